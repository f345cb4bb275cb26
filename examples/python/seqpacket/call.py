"""One call of a client: section 4.2 to 4.4 of docs/PROTOCOL.md, with the words of grpc.aio."""

import asyncio
from collections.abc import AsyncIterator, Generator
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError, Message

from . import frames, metadata
from .metadata import Metadata
from .methods import Method
from .status import ProtocolError, RpcError, StatusCode
from .stream import Stream

if TYPE_CHECKING:
    from .client import Channel, ClientConnection

_ATTEMPTS = 3


class RequestTooLong(Exception):
    """The request does not fit into the CALL."""


class _Again(RpcError):
    """The call is made once more on another connection."""


class Call:
    """A call that has begun: `await call` is the reply, `async for reply in call` the replies.

    A call that its task stops waiting for is cancelled.
    """

    def __init__(
        self, channel: "Channel", method: Method, request: Message | None, timeout: float | None, metadata: Metadata
    ) -> None:
        if (request is None) != method.streams_requests:
            raise TypeError(f"{method.name} takes {'a stream of requests' if method.streams_requests else 'a request'}")
        self.method = method
        self.metadata = metadata
        self._channel = channel
        self._request = None if request is None else request.SerializeToString()
        self._attempts = 0
        self._sent = False
        self._loop = asyncio.get_running_loop()
        self._connection: "ClientConnection | None" = None
        self._stream: asyncio.Future[Stream] = self._loop.create_future()
        self._initial: asyncio.Future[Metadata] = self._loop.create_future()
        self._trailing: asyncio.Future[Metadata] = self._loop.create_future()
        self._deadline = None if timeout is None else self._loop.time() + timeout
        self._timer = None if timeout is None else self._loop.call_later(timeout, self._on_deadline)
        self._opening = self._loop.create_task(self._open())

    # What users call.

    def __await__(self) -> Generator[Any, None, Any]:
        return self._reply().__await__()

    async def __aiter__(self) -> AsyncIterator[Any]:
        try:
            while (reply := await self.read()) is not None:
                yield reply
        finally:
            self.cancel()  # where the loop is left early

    async def read(self) -> Any:
        """The next reply; None when the call has ended with OK. RpcError: it has ended otherwise."""
        while True:
            try:
                stream = await asyncio.shield(self._stream)
                data = await stream.receive()
                return None if data is None else self.method.reply_type.FromString(data)
            except _Again:
                continue
            except RpcError as error:
                self._end(error)
                raise
            except DecodeError:
                unreadable = RpcError(StatusCode.INTERNAL, "the reply does not parse")
                self._end(unreadable)
                raise unreadable from None
            except asyncio.CancelledError:
                self.cancel()
                raise

    async def write(self, request: Message) -> bool:
        """Sends one of a stream of requests when there is credit for it. False: the call has ended, read says how."""
        try:
            stream = await asyncio.shield(self._stream)
        except RpcError:
            return False
        return await stream.send(request.SerializeToString())

    async def done_writing(self) -> None:
        """No more requests come."""
        try:
            stream = await asyncio.shield(self._stream)
        except RpcError:
            return
        await stream.half_close()

    def cancel(self) -> None:
        """Ends the call with CANCELLED, if it has not ended."""
        self._end(RpcError(StatusCode.CANCELLED, "the client has cancelled the call"))

    async def initial_metadata(self) -> Metadata:
        """The server's, when it has come; empty where the call has ended without."""
        return await asyncio.shield(self._initial)

    async def trailing_metadata(self) -> Metadata:
        """When the call has ended."""
        return await asyncio.shield(self._trailing)

    async def _reply(self) -> Any:
        reply = await self.read()
        if reply is None:
            raise RpcError(StatusCode.UNIMPLEMENTED, "the call ended with OK and without a reply")
        while await self.read() is not None:
            pass
        return reply

    # Opening.

    async def _open(self) -> None:
        try:
            while self._attempts < _ATTEMPTS:
                self._attempts += 1
                connection = await self._channel.connection()
                await connection.changes.until(lambda: not connection.usable or connection.takes_a_call)
                if not connection.usable:
                    continue
                await self._open_on(connection)
                return
            raise RpcError(StatusCode.UNAVAILABLE, f"{self._channel.endpoint}: its connections end at once")
        except RpcError as error:
            self._end(error)

    async def _open_on(self, connection: "ClientConnection") -> None:
        timeout_us = None if self._deadline is None else max(0, int((self._deadline - self._loop.time()) * 1e6))
        long_request = None
        self._sent = False
        try:
            stream = connection.open(self, timeout_us, self._request)
        except RequestTooLong:
            long_request = self._request
            stream = connection.open(self, timeout_us, None)
        self._connection = connection
        self._stream.set_result(stream)
        if long_request is not None:
            await stream.send(long_request, half_close=True)

    def _try_again(self) -> bool:
        """For calls whose requests are known: what a stream has sent already is not."""
        if self._request is None or self._attempts == _ATTEMPTS:
            return False
        self._stream.result().end(_Again(StatusCode.UNAVAILABLE), drop=True)
        self._stream = self._loop.create_future()
        self._opening = self._loop.create_task(self._open())
        return True

    # What the connection has for it.

    def on_sent(self) -> None:
        self._sent = True

    def on_frame(self, frame: frames.Initial | frames.Message | frames.Credit) -> None:
        match frame:
            case frames.Credit():
                self._stream.result().on_credit(frame.count)
            case frames.Initial():
                if self._initial.done():
                    raise ProtocolError("initial metadata that comes too late")
                self._take_initial(frame.metadata)
            case frames.Message():
                if frame.half_close:
                    raise ProtocolError("a half-close of the server")
                self._take_initial(())
                self._stream.result().on_message(frame)

    def on_status(self, frame: frames.Status) -> None:
        stream = self._stream.result()
        if frame.initial and self._initial.done():
            raise ProtocolError("initial metadata that comes too late")
        if frame.code == StatusCode.OK:
            if stream.within_message:
                raise ProtocolError("an OK within a message")
            if frame.reply is not None and stream.messages_received and not self.method.streams_replies:
                raise ProtocolError("two messages of a call that has one")
        if frame.refused and frame.code == StatusCode.UNAVAILABLE and self._try_again():
            return
        if not self._take_initial(frame.initial):
            return
        if metadata.size(frame.trailing) + len(frame.message.encode()) + len(frame.details) > self._max_metadata:
            self._finish(self._too_much_metadata(), ())
            return
        if frame.reply is not None:
            stream.on_last_message(frame.reply)
        error = None
        if frame.code != StatusCode.OK:
            error = RpcError(StatusCode(frame.code), frame.message, frame.details)
        self._finish(error, frame.trailing)

    def on_connection_end(self) -> None:
        if not self._sent and self._try_again():
            return
        self._finish(RpcError(StatusCode.UNAVAILABLE, f"{self._channel.endpoint}: the connection has ended"), ())

    @property
    def _max_metadata(self) -> int:
        assert self._connection is not None
        return self._connection.own.max_metadata

    def _too_much_metadata(self) -> RpcError:
        return RpcError(StatusCode.RESOURCE_EXHAUSTED, f"more than {self._max_metadata} bytes of metadata")

    def _take_initial(self, initial: Metadata) -> bool:
        if not self._initial.done():
            if metadata.size(initial) > self._max_metadata:
                self._end(self._too_much_metadata())
                return False
            self._initial.set_result(initial)
        return True

    # Ending.

    def _on_deadline(self) -> None:
        self._end(RpcError(StatusCode.DEADLINE_EXCEEDED, "the deadline has passed"))

    def _end(self, error: RpcError) -> None:
        """On this side: the server is told, and what still comes is dropped."""
        if self._trailing.done():
            return
        if self._stream.done() and self._connection is not None:
            self._connection.abandon(self._stream.result().number, error.code)
        self._finish(error, (), drop=True)

    def _finish(self, error: RpcError | None, trailing: Metadata, drop: bool = False) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._stream.done():
            self._stream.result().end(error, drop)
        else:
            self._opening.cancel()
            self._stream.set_exception(error or RpcError(StatusCode.INTERNAL))
            self._stream.exception()  # which asyncio would miss otherwise
        if not self._initial.done():
            self._initial.set_result(())
        self._trailing.set_result(trailing)

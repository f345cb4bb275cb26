"""The messages of one call in both directions: sections 4.7 and 6 of docs/PROTOCOL.md."""

import asyncio
from collections import deque

from . import frames
from .connection import Connection, add_credit
from .frames import HEADER, MAX_PACKET
from .status import ProtocolError, RpcError, StatusCode
from .waiting import Changes

WINDOW = 65_536
_TOTAL_SIZE = 8
# A receiver gives credit back in pieces of half of its window: who waited for more than this might wait for ever.
_SMALLEST_FRAGMENT = 8_192


class _Incoming:
    """A message on its way."""

    def __init__(self, total: int, kept: bool) -> None:
        self.total = total
        self.kept = kept  # not of one that is too long
        self.received = 0
        self.data = bytearray()
        self.cost = 0  # bytes of its frames that no credit was owed for yet


class Stream:
    """One call's messages. The client's and the server's calls have one each."""

    def __init__(self, connection: Connection, number: int) -> None:
        self.number = number
        self.ended = False  # nothing more is sent, nor received
        self.peer_done = False  # the client has half-closed
        self.messages_received = 0

        self._connection = connection
        self._error: RpcError | None = None
        self._changes = Changes()
        self._one_at_a_time = asyncio.Lock()
        self._send_credit = WINDOW

        self._receive_credit = WINDOW
        self._owed = 0
        self._reading = False
        self._partial: _Incoming | None = None
        self._complete: deque[_Incoming] = deque()

    # Sending.

    async def send(self, message: bytes, half_close: bool = False) -> bool:
        """Sends one message, when there is credit for it. False: the call has ended before."""
        async with self._one_at_a_time:
            rest, first = memoryview(message), True
            while True:
                await self._connection.changes.until(lambda: self.ended or self._may_send(len(rest)))
                if self.ended:
                    return False
                room = self._room - HEADER.size
                total = None
                if first and len(rest) > room:
                    room -= _TOTAL_SIZE
                    total = len(rest)
                body, rest, first = bytes(rest[:room]), rest[room:], False
                more = len(rest) > 0
                frame = frames.Message(self.number, body, more, total, half_close and not more)
                self._send_credit -= frame.cost
                self._connection.send_credit -= frame.cost
                self._connection.send(frame.encode())
                if not more:
                    return True

    async def half_close(self) -> None:
        async with self._one_at_a_time:
            if not self.ended:
                self._connection.send(frames.HalfClose(self.number).encode())

    @property
    def _room(self) -> int:
        return min(self._send_credit, self._connection.send_credit, MAX_PACKET)

    def _may_send(self, size: int) -> bool:
        wanted = min(HEADER.size + size, _SMALLEST_FRAGMENT)
        return self._connection.closed or self._connection.has_room and self._room >= wanted

    def on_credit(self, count: int) -> None:
        self._send_credit = add_credit(self._send_credit, count)
        self._connection.changes.announce()

    # Receiving.

    async def receive(self) -> bytes | None:
        """The next message; None at their end. RpcError: the call has ended with one, or the message is too long."""
        self._reading = True
        try:
            if self._partial is not None and not self._complete:
                self._owe(self._partial)
            await self._changes.until(lambda: bool(self._complete) or self.peer_done or self.ended)
        finally:
            self._reading = False
        if not self._complete:
            if self._error is not None:
                raise self._error
            return None
        message = self._complete.popleft()
        self._owe(message)
        if not message.kept:
            raise RpcError(
                StatusCode.RESOURCE_EXHAUSTED,
                f"a message of {message.total} bytes; at most {self._connection.own.max_message} are accepted",
            )
        return bytes(message.data)

    def on_message(self, frame: frames.Message) -> None:
        if self.peer_done:
            raise ProtocolError("a MESSAGE behind the half-close")
        if frame.cost > self._receive_credit:
            raise ProtocolError("a MESSAGE beyond its call's credit")
        self._receive_credit -= frame.cost
        if self._partial is None:
            if frame.more and frame.total is None:
                raise ProtocolError("a fragment of a message that has not begun")
            self._partial = self._begin(len(frame.body) if frame.total is None else frame.total)
        elif frame.total is not None:
            raise ProtocolError("a message begins within another one")
        partial = self._partial
        partial.received += len(frame.body)
        partial.cost += frame.cost
        if partial.received > partial.total or not frame.more and partial.received < partial.total:
            raise ProtocolError(f"the fragments of a message are not the {partial.total} bytes that they should be")
        if partial.kept:
            partial.data += frame.body
        if self._reading and not self._complete:
            self._owe(partial)  # which lets the sender go on with a message that is longer than the window
        if not frame.more:
            self._partial = None
            self._complete.append(partial)
        if frame.half_close:
            self.peer_done = True
        self._changes.announce()

    def on_last_message(self, body: bytes) -> None:
        """One that came in a CALL or STATUS, and costs no credit."""
        message = self._begin(len(body))
        if message.kept:
            message.data += body
        self._complete.append(message)
        self._changes.announce()

    def on_half_close(self) -> None:
        if self.peer_done:
            raise ProtocolError("a second half-close")
        if self._partial is not None:
            raise ProtocolError("a half-close within a message")
        self.peer_done = True
        self._changes.announce()

    @property
    def within_message(self) -> bool:
        return self._partial is not None

    def end(self, error: RpcError | None = None, drop: bool = False) -> None:
        """Nothing more is sent or comes. What has come is still given out, unless it is to be dropped."""
        if self.ended:
            return
        self.ended = True
        self._error = error
        self._partial = None
        if drop:
            self._complete.clear()
        self._changes.announce()
        self._connection.changes.announce()

    async def until_ended(self) -> None:
        await self._changes.until(lambda: self.ended)

    def _begin(self, total: int) -> _Incoming:
        self.messages_received += 1
        return _Incoming(total, kept=total <= self._connection.own.max_message)

    def _owe(self, message: _Incoming) -> None:
        self._owed += message.cost
        message.cost = 0
        if self._owed >= WINDOW // 2 and not self.ended and not self.peer_done:
            self._receive_credit += self._owed
            self._connection.send_ahead(frames.Credit(self.number, self._owed).encode())
            self._owed = 0

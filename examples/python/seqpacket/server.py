"""The server's side: listening sockets, connections, and handlers with the shapes of grpc.aio."""

import asyncio
import logging
import os
import socket
import stat
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import DecodeError, Message

from . import frames, metadata
from .addresses import socket_address, socket_name
from .connection import Connection
from .frames import Frame, Hello
from .metadata import Metadata
from .methods import Method, methods_of
from .status import ProtocolError, RpcError, StatusCode
from .stream import Stream

_log = logging.getLogger(__name__)
_CLOSE_SECONDS = 1.0
_ACCEPT_AGAIN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Peer:
    """Who has connected, by the kernel's word."""

    pid: int
    uid: int
    gid: int


class ServerContext:
    """What a handler knows of its call."""

    def __init__(self, call: "ServerCall") -> None:
        self._call = call

    @property
    def method(self) -> str:
        return self._call.method.path.decode()

    @property
    def metadata(self) -> Metadata:
        return self._call.metadata

    @property
    def peer(self) -> Peer:
        return self._call.connection.credentials

    def time_remaining(self) -> float | None:
        """Seconds until the deadline; None without one. The handler's task is cancelled then."""
        deadline = self._call.deadline
        return None if deadline is None else max(0.0, deadline - asyncio.get_running_loop().time())

    def set_initial_metadata(self, initial: Metadata) -> None:
        """Goes with the first reply, or with the status."""
        self._call.initial = initial

    def send_initial_metadata(self) -> None:
        """Does not wait for the first reply."""
        self._call.send_initial()

    def set_trailing_metadata(self, trailing: Metadata) -> None:
        self._call.trailing = trailing


class Server:
    """Serves the methods of services. A handler is a coroutine, or an asynchronous generator of replies.

    It gets the request, or an asynchronous iterator of requests, and a ServerContext. What it raises as RpcError is the
    call's status; its task is cancelled when the client cancels the call, or its deadline passes.
    """

    def __init__(self, max_message: int = 4 << 20, max_metadata: int = 8 << 10, max_calls: int = 1_024) -> None:
        self.hello = Hello(max_calls, max_metadata, max_message)
        self._methods: dict[bytes, tuple[Method, Any]] = {}
        self._listeners: list[tuple[socket.socket, tuple[str, int] | None]] = []
        self.connections: set[ServerConnection] = set()

    async def __aenter__(self) -> "Server":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def add_service(self, service: ServiceDescriptor, implementation: object) -> None:
        """Methods that the implementation does not have are UNIMPLEMENTED."""
        for method in methods_of(service):
            if (handler := getattr(implementation, method.name, None)) is not None:
                self._methods[method.path] = (method, handler)

    def find(self, path: bytes) -> tuple[Method, Any] | None:
        return self._methods.get(path)

    def listen(self, endpoint: str) -> None:
        """For this user and root. OSError: somebody else serves there. For a running event loop."""
        name = socket_name(endpoint)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            os.fchmod(listener.fileno(), 0o600)  # which is the mode of the path that bind makes
            _bind(listener, name)
            listener.listen(128)
        except BaseException:
            listener.close()
            raise
        listener.setblocking(False)
        file = (name, os.stat(name).st_ino) if isinstance(name, str) else None
        self._listeners.append((listener, file))
        self._accept_on(listener)

    async def stop(self, grace: float = 0) -> None:
        """Takes no more calls; gives those that run `grace` seconds to end, and then ends them with UNAVAILABLE."""
        for listener, file in self._listeners:
            asyncio.get_running_loop().remove_reader(listener)
            if file is not None and _is_ours(*file):
                os.unlink(file[0])
            listener.close()
        self._listeners.clear()
        await asyncio.gather(*(connection.drain(grace) for connection in self.connections))

    def _accept_on(self, listener: socket.socket) -> None:
        if listener.fileno() >= 0:
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
        except OSError as error:
            if not isinstance(error, BlockingIOError):  # such as no descriptor left
                _log.warning("accept: %s", error)
                loop = asyncio.get_running_loop()
                loop.remove_reader(listener)
                loop.call_later(_ACCEPT_AGAIN_SECONDS, self._accept_on, listener)
            return
        credentials = Peer(*struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)))
        if credentials.uid not in (0, os.geteuid()):  # an abstract name has no mode that would keep others out
            sock.close()
            return
        self.connections.add(ServerConnection(sock, self, credentials))


def _bind(listener: socket.socket, name: str | bytes) -> None:
    """A socket file that nobody listens on any more is removed."""
    with socket_address(name) as address:
        try:
            listener.bind(address)
            return
        except OSError:
            if isinstance(name, bytes) or not stat.S_ISSOCK(os.stat(name).st_mode):
                raise
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
            probe.setblocking(False)
            try:
                probe.connect(address)
            except ConnectionRefusedError:
                os.unlink(name)
        listener.bind(address)


def _is_ours(name: str, inode: int) -> bool:
    try:
        return os.stat(name).st_ino == inode
    except FileNotFoundError:
        return False


class ServerConnection(Connection):
    """One connection, and the calls that are open on it."""

    _reads_always = False

    def __init__(self, sock: socket.socket, server: Server, credentials: Peer) -> None:
        super().__init__(sock, server.hello)
        self.credentials = credentials
        self._server = server
        self._calls: dict[int, ServerCall] = {}
        self._paths: list[bytes] = []  # the method of number n is at n - 1
        self._refuses = False
        self._input_shut = False  # by us: what the client had sent until then still comes
        self._input_ended = False

    def finish(self, call: "ServerCall", status: frames.Status) -> None:
        if self._calls.pop(call.stream.number, None) is not None:
            self.send(self._bounded(status).encode())
            self.changes.announce()

    def _bounded(self, status: frames.Status) -> frames.Status:
        """What may be sent of metadata, and of trailing metadata, message and details together: section 5."""
        assert self.peer is not None
        limit = min(metadata.MAX_SECTION, self.peer.max_metadata)
        trailing = metadata.size(status.trailing) + len(status.message.encode(errors="replace")) + len(status.details)
        error = None
        try:
            metadata.encode(status.initial)
            metadata.encode(status.trailing)
        except RpcError as raised:
            error = raised
        if max(metadata.size(status.initial), trailing) > limit:
            error = RpcError(StatusCode.RESOURCE_EXHAUSTED, f"metadata and status of more than {limit} bytes")
        return status if error is None else frames.Status(status.call, error.code, error.message)

    async def drain(self, grace: float) -> None:
        """GOAWAY; when the last call has ended, what the client sent meanwhile is refused: section 4.6."""
        self._refuses = True
        self.send(frames.Goaway(frames.SHUTDOWN, "the server shuts down").encode())
        try:
            async with asyncio.timeout(grace):
                await self.changes.until(lambda: self.closed or not self._calls)
        except TimeoutError:
            for call in list(self._calls.values()):
                call.cancel(StatusCode.UNAVAILABLE, "the server shuts down")
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.changes.until(lambda: self.closed or not self._calls and self.all_sent)
                if not self.closed:
                    self._input_shut = True
                    self._socket.shutdown(socket.SHUT_RD)
                await self.changes.until(lambda: self.closed or self._input_ended and self.all_sent)
        except TimeoutError:
            _log.warning("a client does not take its answers")
        self.close()

    def _on_hello(self, hello: Hello) -> None:
        self.queue_hello()
        self._plan_flush(0)
        if hello.version != frames.VERSION:
            self.fail(frames.VERSION_MISMATCH, f"this server speaks version {frames.VERSION}")

    def _on_frame(self, frame: Frame) -> None:
        match frame:
            case frames.Call():
                self._open(frame)
            case frames.Message():
                if (call := self._calls.get(frame.call)) is not None:
                    call.stream.on_message(frame)
            case frames.HalfClose():
                if (call := self._calls.get(frame.call)) is not None:
                    call.stream.on_half_close()
            case frames.Cancel():
                if (call := self._calls.get(frame.call)) is not None:
                    call.cancel(StatusCode.CANCELLED, "the client has cancelled the call")
            case frames.Credit():
                if (call := self._calls.get(frame.call)) is not None:
                    call.stream.on_credit(frame.count)
            case frames.Goaway():
                pass  # the client closes when its calls have ended
            case _:
                raise ProtocolError("a frame that only a server sends")

    def _open(self, frame: frames.Call) -> None:
        if frame.call in self._calls:
            raise ProtocolError(f"call {frame.call} is open already")
        path = self._path(frame)
        error = None
        refused = False
        found = self._server.find(path)
        if self._refuses:
            error, refused = RpcError(StatusCode.UNAVAILABLE, "the server shuts down"), True
        elif len(self._calls) >= self.own.max_calls:
            error, refused = RpcError(StatusCode.RESOURCE_EXHAUSTED, "too many calls are open"), True
        elif metadata.size(frame.metadata) > self.own.max_metadata:
            error = RpcError(StatusCode.RESOURCE_EXHAUSTED, f"more than {self.own.max_metadata} bytes of metadata")
        elif found is None:
            error = RpcError(StatusCode.UNIMPLEMENTED, f"there is no method {path.decode(errors='replace')}")
        else:
            self._calls[frame.call] = ServerCall(self, frame, *found)
        if error is not None:
            self.send(frames.Status(frame.call, error.code, error.message, refused=refused).encode())

    def _path(self, frame: frames.Call) -> bytes:
        if frame.path is None:
            if not 1 <= frame.method <= len(self._paths):
                raise ProtocolError(f"the method number {frame.method} has not been given")
            return self._paths[frame.method - 1]
        if frame.method != 0:
            if frame.method != len(self._paths) + 1 or frame.method > frames.MAX_METHODS:
                raise ProtocolError(f"the method number {frame.method} is out of order")
            self._paths.append(frame.path)
        return frame.path

    def _on_end_of_input(self) -> None:
        if not self._input_shut:
            self.close()
            return
        self._loop.remove_reader(self._socket)
        self._input_ended = True
        self.changes.announce()

    def _on_end(self) -> None:
        self._server.connections.discard(self)
        for call in list(self._calls.values()):
            call.cancel(StatusCode.CANCELLED, "the connection has ended")


class ServerCall:
    """One call: runs its handler in a task, and sends what it gives."""

    def __init__(self, connection: ServerConnection, frame: frames.Call, method: Method, handler: Any) -> None:
        self.connection = connection
        self.method = method
        self.metadata = frame.metadata
        self.initial: Metadata | None = None
        self.trailing: Metadata = ()
        self.deadline: float | None = None
        self.stream = Stream(connection, frame.call)
        if frame.message is not None:
            self.stream.on_last_message(frame.message)
        if frame.half_close:
            self.stream.on_half_close()
        self._handler = handler
        self._why_cancelled: RpcError | None = None
        self._timer: asyncio.TimerHandle | None = None
        loop = asyncio.get_running_loop()
        if frame.timeout_us is not None:
            self.deadline = loop.time() + frame.timeout_us / 1e6
            self._timer = loop.call_at(
                self.deadline, self.cancel, StatusCode.DEADLINE_EXCEEDED, "the deadline has passed"
            )
        self._task = loop.create_task(self._handle())
        self._task.add_done_callback(self._finish)

    def cancel(self, code: StatusCode, message: str) -> None:
        if self._why_cancelled is None:
            self._why_cancelled = RpcError(code, message)
            self._task.cancel()

    def send_initial(self) -> None:
        if self.initial is not None:
            self.connection.send(frames.Initial(self.stream.number, self.initial).encode())
            self.initial = None

    def _finish(self, task: asyncio.Task[bytes | None]) -> None:
        """The handler has ended, or was cancelled before it began."""
        error, reply = None, None
        try:
            reply = task.result()
        except RpcError as raised:
            error = raised
        except asyncio.CancelledError:
            error = self._why_cancelled or RpcError(StatusCode.CANCELLED, "the handler was cancelled")
        except Exception as raised:
            _log.exception("the handler of %s", self.method.path.decode())
            error = RpcError(StatusCode.UNKNOWN, f"the handler raised {type(raised).__name__}")
        if self._timer is not None:
            self._timer.cancel()
        self.stream.end(drop=True)
        status = frames.Status(self.stream.number, initial=self.initial or (), trailing=self.trailing, reply=reply)
        if error is not None:
            status = frames.Status(status.call, error.code, error.message, error.details, status.initial, self.trailing)
        self.connection.finish(self, status)

    async def _handle(self) -> bytes | None:
        """Returns the call's last message, where that goes with the status."""
        requests = self._requests()
        argument: Any = requests
        if not self.method.streams_requests:
            argument = await anext(requests, None)
            if argument is None:
                raise RpcError(StatusCode.INTERNAL, "the call has no request")
        result = self._handler(argument, ServerContext(self))
        if self.method.streams_replies:
            async for reply in result:
                await self._send(self._encode(reply))
            return None
        message = self._encode(await result)
        if self._fits_status(message):
            return message
        await self._send(message)
        return None

    async def _requests(self) -> AsyncIterator[Message]:
        while (data := await self.stream.receive()) is not None:
            try:
                request = self.method.request_type.FromString(data)
            except DecodeError:
                raise RpcError(StatusCode.INTERNAL, "the request does not parse") from None
            yield request

    def _encode(self, reply: Message) -> bytes:
        if not isinstance(reply, self.method.reply_type):
            raise TypeError(f"{self.method.name} gives {type(reply).__name__}")
        return reply.SerializeToString()

    def _fits_status(self, message: bytes) -> bool:
        sections = metadata.encode(self.initial or ()), metadata.encode(self.trailing)
        return 64 + sum(map(len, sections)) + len(message) <= frames.MAX_PACKET

    async def _send(self, message: bytes) -> None:
        self.send_initial()
        await self.stream.send(message)

"""The client's side: a channel to an endpoint, and its connections. The calls are in call.py."""

import asyncio
import socket
import struct
from collections.abc import Callable
from functools import partial
from types import TracebackType

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message

from . import frames
from .addresses import socket_address, socket_name
from .call import Call, RequestTooLong
from .connection import Connection
from .frames import Frame, Hello
from .metadata import Metadata
from .methods import Method, methods_of
from .status import ConnectionClosed, ProtocolError, RpcError, StatusCode
from .stream import Stream

_CONNECT_SECONDS = 20


class Stub:
    """Has a method for each of the service's: `stub.SayHello(request, timeout=5)` is a Call.

    The request is left out where the method takes a stream of them.
    """

    def __init__(self, channel: "Channel", service: ServiceDescriptor) -> None:
        for method in methods_of(service):
            setattr(self, method.name, partial(channel.call, method))

    def __getattr__(self, name: str) -> Callable[..., Call]:
        raise AttributeError(f"the service has no method {name}")


class Channel:
    """Calls to the server at one endpoint. Connects when a call needs it, and again when the server has gone."""

    def __init__(self, endpoint: str, max_message: int = 4 << 20, max_metadata: int = 8 << 10) -> None:
        self.endpoint = endpoint
        self._name = socket_name(endpoint)
        self._hello = Hello(max_calls=0, max_metadata=max_metadata, max_message=max_message)
        self._connections: set[ClientConnection] = set()
        self._connecting: asyncio.Task[ClientConnection] | None = None
        self._closed = False

    async def __aenter__(self) -> "Channel":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def call(
        self, method: Method, request: Message | None = None, timeout: float | None = None, metadata: Metadata = ()
    ) -> Call:
        """Begins a call. `timeout` is in seconds. For the tasks of a running event loop."""
        return Call(self, method, request, timeout, metadata)

    async def ping(self) -> None:
        """Returns when the server has answered. RpcError: UNAVAILABLE."""
        try:
            await (await self.connection()).ping()
        except ConnectionClosed:
            raise RpcError(StatusCode.UNAVAILABLE, f"{self.endpoint}: the connection has ended") from None

    def close(self) -> None:
        """Ends all calls."""
        self._closed = True
        for connection in list(self._connections):
            connection.close()

    async def connection(self) -> "ClientConnection":
        """One that takes calls. RpcError: there is no server."""
        if self._closed:
            raise RpcError(StatusCode.CANCELLED, "the channel is closed")
        for connection in self._connections:
            if connection.usable:
                return connection
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.create_task(self._connect())
        return await asyncio.shield(self._connecting)

    async def _connect(self) -> "ClientConnection":
        try:
            sock = await asyncio.to_thread(_dial, self._name)
        except OSError as error:
            raise RpcError(StatusCode.UNAVAILABLE, f"{self.endpoint}: {error.strerror}") from error
        if self._closed:
            sock.close()
            raise RpcError(StatusCode.CANCELLED, "the channel is closed")
        connection = ClientConnection(sock, self._hello, self._connections.discard)
        self._connections.add(connection)
        return connection


def _dial(name: str | bytes) -> socket.socket:
    # A connect that does not block does not wait for room in the server's backlog either; so this one does, in a thread.
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _CONNECT_SECONDS, 0))
        with socket_address(name) as address:
            sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


class ClientConnection(Connection):
    """One connection, and the calls that are open on it."""

    def __init__(self, sock: socket.socket, hello: Hello, on_end: Callable[["ClientConnection"], None]) -> None:
        super().__init__(sock, hello)
        self._tell_end = on_end
        self._going_away = False
        # By number. Those that have been cancelled keep theirs until the server's STATUS; they are None then.
        self._calls: dict[int, Call | None] = {}
        self._next_number = 1
        self._methods: dict[bytes, int] = {}
        self.queue_hello()

    @property
    def usable(self) -> bool:
        return not self.closed and not self._going_away and self._peer_reads

    @property
    def takes_a_call(self) -> bool:
        return self.has_room and (self.peer is None or len(self._calls) < self.peer.max_calls)

    def open(self, call: Call, timeout_us: int | None, request: bytes | None) -> Stream:
        """Sends the CALL, with the request if it fits. RpcError: its metadata may not be sent."""
        number = self._next_number
        while number in self._calls or number == 0:
            number = (number + 1) % (1 << 32)
        path = call.method.path
        index = self._methods.get(path)
        is_new = index is None and len(self._methods) < frames.MAX_METHODS
        frame = frames.Call(
            number,
            method=len(self._methods) + 1 if is_new else index or 0,
            path=path if index is None else None,
            timeout_us=timeout_us,
            metadata=call.metadata,
            message=request,
            half_close=request is not None,
        ).encode()
        if len(frame) > frames.MAX_PACKET:
            raise RequestTooLong()
        if is_new:
            self._methods[path] = len(self._methods) + 1
        self._next_number = (number + 1) % (1 << 32)
        self._calls[number] = call
        self.send(frame, call.on_sent)
        return Stream(self, number)

    def abandon(self, number: int, code: StatusCode) -> None:
        if self._calls.get(number) is not None:
            self._calls[number] = None
            self.send(frames.Cancel(number, code).encode())

    def _on_hello(self, hello: Hello) -> None:
        if not hello.min_version <= frames.VERSION <= hello.version:
            raise ProtocolError(f"the server speaks versions {hello.min_version} to {hello.version}")

    def _on_frame(self, frame: Frame) -> None:
        match frame:
            case frames.Goaway():
                self._going_away = True
                self._close_if_done()
                self.changes.announce()
            case frames.Initial() | frames.Message() | frames.Credit():
                if (call := self._find(frame.call)) is not None:
                    call.on_frame(frame)
            case frames.Status():
                call = self._find(frame.call)
                if frame.refused and frame.code == StatusCode.UNAVAILABLE:
                    self._going_away = True  # whether or not its GOAWAY has come
                if call is not None:
                    call.on_status(frame)
                del self._calls[frame.call]
                self._close_if_done()
                self.changes.announce()
            case _:
                raise ProtocolError("a frame that only a client sends")

    def _find(self, number: int) -> Call | None:
        """None: it was cancelled, and what comes for it is dropped."""
        if number not in self._calls:
            raise ProtocolError(f"call {number} is not open")
        return self._calls[number]

    def _close_if_done(self) -> None:
        if self._going_away and not self._calls:
            self.close()

    def _on_end(self) -> None:
        self._tell_end(self)
        calls, self._calls = self._calls, {}
        for call in calls.values():
            if call is not None:
                call.on_connection_end()

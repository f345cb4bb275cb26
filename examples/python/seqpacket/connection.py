"""What both sides of a connection do: packets, HELLO, GOAWAY, PING, and the connection's credit.

All of it runs in one event loop; a method that does not wait cannot be interrupted by another.
"""

import asyncio
import socket
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable

from . import frames
from .frames import Frame, Hello
from .status import ConnectionClosed, ProtocolError
from .waiting import Changes

WINDOW = 131_072
# The most that waits for a peer that does not read: see section 8.
MAX_UNSENT = 1 << 20
_PACKETS_AT_A_TIME = 16


class Connection(ABC):
    """One end of a connected socket, which it owns. The sides of it add what to do with the frames of calls."""

    # A server stops reading a client that does not take its answers. Were both to stop, they would wait for each other.
    _reads_always = True

    def __init__(self, sock: socket.socket, hello: Hello) -> None:
        sock.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self.own = hello
        self.peer: Hello | None = None  # what the other side said of itself, once it has
        self.changes = Changes()  # of credit, of room to send, of calls, and of the connection's end
        self.closed = False

        self._urgent: deque[bytes] = deque()
        # Frames, each with what is to be done when it has been sent.
        self._unsent: deque[tuple[bytes, Callable[[], None] | None]] = deque()
        self._unsent_bytes = 0
        self._packet: tuple[bytes, list[Callable[[], None]]] | None = None
        self._flush_planned = False
        self._peer_reads = True
        self._reads = True

        self.send_credit = WINDOW
        self._receive_credit = WINDOW
        self._taken = 0  # bytes of MESSAGE frames that the peer has no new credit for

        self._pings: dict[int, asyncio.Future[None]] = {}
        self._next_token = 1
        self._loop.add_reader(sock, self._read)

    # What the sides add.

    @abstractmethod
    def _on_hello(self, hello: Hello) -> None:
        ...

    @abstractmethod
    def _on_frame(self, frame: Frame) -> None:
        """A frame that is not the connection's own. ProtocolError: it is one that may not come."""

    @abstractmethod
    def _on_end(self) -> None:
        """The connection has ended, for whatever reason. Once."""

    # Sending.

    def send(self, frame: bytes, sent: Callable[[], None] | None = None) -> None:
        """Sends the frame behind all others, at the end of this turn of the loop; `sent` is called when it has been."""
        self._unsent.append((frame, sent))
        self._plan_flush(len(frame))

    def send_ahead(self, frame: bytes) -> None:
        """For CREDIT and PING, which may go ahead of all other frames but HELLO."""
        self._urgent.append(frame)
        self._plan_flush(len(frame))

    def queue_hello(self) -> None:
        """Goes with the next frame, in front of it."""
        hello = self.own.encode()
        self._unsent.appendleft((hello, None))
        self._unsent_bytes += len(hello)

    @property
    def has_room(self) -> bool:
        """Whether a message may be queued: no more than a packet waits, so that calls take turns."""
        return self._unsent_bytes < frames.MAX_PACKET

    @property
    def all_sent(self) -> bool:
        return self._packet is None and not self._unsent and not self._urgent

    def _plan_flush(self, size: int) -> None:
        self._unsent_bytes += size
        if not self._flush_planned:
            self._flush_planned = True
            self._loop.call_soon(self._flush)

    def _next_packet(self) -> tuple[bytes, list[Callable[[], None]]]:
        packet, callbacks = b"", []
        if self._unsent and self._unsent[0][0][4] == frames.HELLO:
            packet = self._unsent.popleft()[0]
        while self._urgent and len(packet) + len(self._urgent[0]) <= frames.MAX_PACKET:
            packet += self._urgent.popleft()
        while self._unsent and not self._urgent and len(packet) + len(self._unsent[0][0]) <= frames.MAX_PACKET:
            frame, sent = self._unsent.popleft()
            packet += frame
            if sent is not None:
                callbacks.append(sent)
        return packet, callbacks

    def _flush(self) -> None:
        self._flush_planned = False
        while not self.closed and self._peer_reads and not self.all_sent:
            if self._packet is None:
                self._packet = self._next_packet()
            packet, callbacks = self._packet
            try:
                self._socket.send(packet)
            except BlockingIOError:
                self._loop.add_writer(self._socket, self._flush)
                return
            except OSError:
                # The peer has closed, or reads no more. What it has sent before is still there to be read.
                self._peer_reads = False
                break
            self._packet = None
            self._unsent_bytes -= len(packet)
            for sent in callbacks:
                sent()
        if not self.closed:
            self._loop.remove_writer(self._socket)
            self._read_on()
        self.changes.announce()

    # Receiving.

    def _read(self) -> None:
        for _ in range(_PACKETS_AT_A_TIME):
            if self.closed or not self._may_read():
                return
            try:
                packet = self._socket.recv(frames.MAX_PACKET + 1)
            except BlockingIOError:
                return
            except ConnectionResetError:
                continue  # said once, where the peer closed without having read all; its last packets are behind it
            if not packet:
                self._on_end_of_input()
                return
            try:
                for frame in frames.parse_packet(packet):
                    self._take(frame)
                    if self.closed:
                        return
            except ProtocolError as error:
                self.fail(frames.PROTOCOL_ERROR, str(error))

    def _may_read(self) -> bool:
        if self._reads_always or self._unsent_bytes <= MAX_UNSENT:
            return True
        self._loop.remove_reader(self._socket)
        self._reads = False
        return False

    def _read_on(self) -> None:
        if not self._reads and self._unsent_bytes <= MAX_UNSENT:
            self._loop.add_reader(self._socket, self._read)
            self._reads = True

    def _take(self, frame: Frame) -> None:
        match frame:
            case frames.Hello():
                if self.peer is not None:
                    raise ProtocolError("a second HELLO")
                self.peer = frame
                self._on_hello(frame)
                self.changes.announce()
            case frames.Goaway():
                self._on_frame(frame)
            case _ if self.peer is None:
                raise ProtocolError("the first frame is no HELLO")
            case frames.Ping(token=token, ack=True):
                if (pong := self._pings.pop(token, None)) is not None and not pong.done():
                    pong.set_result(None)
            case frames.Ping() if self._unsent_bytes > MAX_UNSENT:
                raise ProtocolError("it asks, and does not read the answers")
            case frames.Ping(token=token):
                self.send(frames.Ping(token, ack=True).encode())
            case frames.Credit(call=0, count=count):
                self.send_credit = add_credit(self.send_credit, count)
                self.changes.announce()
            case frames.Message():
                self._charge(frame.cost)
                self._on_frame(frame)
            case _:
                self._on_frame(frame)

    def _charge(self, cost: int) -> None:
        """The connection's credit is given back when a frame has come, in pieces of half of the window."""
        if cost > self._receive_credit:
            raise ProtocolError("a MESSAGE beyond the connection's credit")
        self._receive_credit -= cost
        self._taken += cost
        if self._taken >= WINDOW // 2:
            self._receive_credit += self._taken
            self.send_ahead(frames.Credit(0, self._taken).encode())
            self._taken = 0

    # Ending.

    def _on_end_of_input(self) -> None:
        self.close()

    async def ping(self) -> None:
        """Returns when the peer has answered. ConnectionClosed: it has not."""
        token = self._next_token
        self._next_token += 1
        pong = self._pings[token] = self._loop.create_future()
        self.send_ahead(frames.Ping(token).encode())
        await pong

    def fail(self, reason: int, text: str) -> None:
        """Tells the peer why, as far as its socket takes it, and closes."""
        if self.closed:
            return
        self.send(frames.Goaway(reason, text).encode())
        self._flush()
        self.close()

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        for pong in self._pings.values():
            if not pong.done():
                pong.set_exception(ConnectionClosed())
        self._on_end()
        self.changes.announce()


def add_credit(credit: int, more: int) -> int:
    if credit + more > 1 << 30:
        raise ProtocolError("more credit than a sender may have")
    return credit + more

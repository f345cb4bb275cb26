"""The frames: section 4 of docs/PROTOCOL.md. Bytes to objects and back; nothing here waits or knows a socket.

Descriptors (section 4.11) are refused: no HELLO of ours has feature 0, and then a frame that has some is an error.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from . import metadata as metadata_section
from .metadata import Metadata, section
from .status import ProtocolError

MAX_PACKET = 65_536
MAX_PATH = 1_024
MAX_METHODS = 1_024
HEADER = struct.Struct("<IBBHI")  # size, type, flags, head_size, call
VERSION = 1

HELLO, GOAWAY, PING, CREDIT = 0x01, 0x02, 0x03, 0x04
CALL, MESSAGE, HALF_CLOSE, CANCEL = 0x10, 0x11, 0x12, 0x13
INITIAL, STATUS = 0x20, 0x21
IGNORABLE = 0x80

SHUTDOWN, PROTOCOL_ERROR, VERSION_MISMATCH = 0, 1, 2

_MAGIC = b"UDSRPC\r\n"
_HELLO = struct.Struct("<8sHHIIIQ")
_DESCRIPTORS = 1  # feature bit 0


def _frame(kind: int, call: int = 0, flags: int = 0, head: bytes = b"", body: bytes = b"") -> bytes:
    return HEADER.pack(HEADER.size + len(head) + len(body), kind, flags, len(head), call) + head + body


class _Head:
    """Takes one field after the other; what is left at the end is of a later revision, and ignored."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0

    def __bool__(self) -> bool:
        return self._offset < len(self._data)

    def take(self, count: int) -> bytes:
        end = self._offset + count
        if end > len(self._data):
            raise ProtocolError("a head is shorter than its fields")
        taken = self._data[self._offset : end]
        self._offset = end
        return taken

    def integer(self, count: int) -> int:
        return int.from_bytes(self.take(count), "little")

    def section(self) -> bytes:
        return self.take(self.integer(2))

    def metadata(self) -> Metadata:
        entries = _Head(self.section())
        return metadata_section.parse(iter(lambda: (entries.section(), entries.section()) if entries else None, None))


@dataclass(frozen=True, slots=True)
class Hello:
    max_calls: int
    max_metadata: int
    max_message: int
    version: int = VERSION
    min_version: int = VERSION

    def encode(self) -> bytes:
        fields = (self.version, self.min_version, 0, self.max_calls, self.max_metadata, self.max_message)
        return _frame(HELLO, head=_HELLO.pack(_MAGIC, *fields))

    @classmethod
    def parse(cls, call: int, flags: int, head: _Head, body: bytes) -> "Hello":
        magic, version, min_version, features, max_calls, max_metadata, max_message = _HELLO.unpack(
            head.take(_HELLO.size)
        )
        if magic != _MAGIC:
            raise ProtocolError("the HELLO has another magic")
        if not 1 <= min_version <= version:
            raise ProtocolError(f"the HELLO has versions {min_version} to {version}")
        if features & _DESCRIPTORS and not 1 <= head.integer(2) <= 253:
            raise ProtocolError("the HELLO has a max_fds that cannot be")
        return cls(max_calls, max_metadata, max_message, version, min_version)


@dataclass(frozen=True, slots=True)
class Goaway:
    reason: int
    text: str = ""

    def encode(self) -> bytes:
        return _frame(GOAWAY, head=self.reason.to_bytes(4, "little"), body=self.text.encode(errors="replace")[:1_024])

    @classmethod
    def parse(cls, call: int, flags: int, head: _Head, body: bytes) -> "Goaway":
        return cls(head.integer(4), body[:1_024].decode(errors="replace"))


@dataclass(frozen=True, slots=True)
class Ping:
    token: int
    ack: bool = False

    def encode(self) -> bytes:
        return _frame(PING, flags=int(self.ack), head=self.token.to_bytes(8, "little"))

    @classmethod
    def parse(cls, call: int, flags: int, head: _Head, body: bytes) -> "Ping":
        return cls(head.integer(8), bool(flags & 0x01))


@dataclass(frozen=True, slots=True)
class Credit:
    call: int  # or 0: the connection's
    count: int  # in bytes

    def encode(self) -> bytes:
        return _frame(CREDIT, self.call, head=self.count.to_bytes(4, "little"))

    @classmethod
    def parse(cls, call: int, flags: int, head: _Head, body: bytes) -> "Credit":
        credit = cls(call, head.integer(4))
        if credit.count == 0:
            raise ProtocolError("a CREDIT of 0 bytes")
        return credit


@dataclass(frozen=True, slots=True)
class Call:
    call: int
    method: int
    path: bytes | None = None
    timeout_us: int | None = None
    metadata: Metadata = ()
    message: bytes | None = None
    half_close: bool = False

    def encode(self) -> bytes:
        flags = (0x01 if self.half_close else 0) | (0x02 if self.message is not None else 0)
        head = self.method.to_bytes(4, "little")
        if self.timeout_us is not None:
            flags |= 0x04
            head += self.timeout_us.to_bytes(8, "little")
        if self.path is not None:
            flags |= 0x08
            head += section(self.path)
        if self.metadata:
            flags |= 0x10
            head += section(metadata_section.encode(self.metadata))
        return _frame(CALL, self.call, flags, head, self.message or b"")

    @classmethod
    def parse(cls, call: int, flags: int, head: _Head, body: bytes) -> "Call":
        frame = cls(
            call,
            method=head.integer(4),
            timeout_us=head.integer(8) if flags & 0x04 else None,
            path=head.section() if flags & 0x08 else None,
            metadata=head.metadata() if flags & 0x10 else (),
            message=body if flags & 0x02 else None,
            half_close=bool(flags & 0x01),
        )
        if frame.path is not None and not 1 <= len(frame.path) <= MAX_PATH:
            raise ProtocolError(f"a path of {len(frame.path)} bytes")
        if body and frame.message is None:
            raise ProtocolError("a CALL without a message has a body")
        return frame


@dataclass(frozen=True, slots=True)
class Message:
    call: int
    body: bytes
    more: bool = False  # a fragment, and not the last
    total: int | None = None  # in the first of several fragments
    half_close: bool = False

    def encode(self) -> bytes:
        flags = (0x01 if self.half_close else 0) | (0x02 if self.more else 0)
        head = b""
        if self.total is not None:
            flags |= 0x04
            head = self.total.to_bytes(8, "little")
        return _frame(MESSAGE, self.call, flags, head, self.body)

    @classmethod
    def parse(cls, call: int, flags: int, head: _Head, body: bytes) -> "Message":
        total = head.integer(8) if flags & 0x04 else None
        frame = cls(call, body, more=bool(flags & 0x02), total=total, half_close=bool(flags & 0x01))
        if frame.more and frame.half_close or frame.total is not None and not frame.more:
            raise ProtocolError("flags of a MESSAGE that do not go together")
        return frame

    @property
    def cost(self) -> int:
        """In credit: the size of the frame."""
        return HEADER.size + (8 if self.total is not None else 0) + len(self.body)


@dataclass(frozen=True, slots=True)
class HalfClose:
    call: int

    def encode(self) -> bytes:
        return _frame(HALF_CLOSE, self.call)

    @classmethod
    def parse(cls, call: int, flags: int, head: _Head, body: bytes) -> "HalfClose":
        return cls(call)


@dataclass(frozen=True, slots=True)
class Cancel:
    call: int
    code: int

    def encode(self) -> bytes:
        return _frame(CANCEL, self.call, head=self.code.to_bytes(4, "little"))

    @classmethod
    def parse(cls, call: int, flags: int, head: _Head, body: bytes) -> "Cancel":
        return cls(call, head.integer(4))


@dataclass(frozen=True, slots=True)
class Initial:
    call: int
    metadata: Metadata

    def encode(self) -> bytes:
        return _frame(INITIAL, self.call, head=section(metadata_section.encode(self.metadata)))

    @classmethod
    def parse(cls, call: int, flags: int, head: _Head, body: bytes) -> "Initial":
        return cls(call, head.metadata())


@dataclass(frozen=True, slots=True)
class Status:
    call: int
    code: int = 0
    message: str = ""
    details: bytes = b""
    initial: Metadata = ()
    trailing: Metadata = ()
    reply: bytes | None = None  # the call's last message
    refused: bool = False

    def encode(self) -> bytes:
        flags = (0x01 if self.reply is not None else 0) | (0x10 if self.refused else 0)
        head = b""
        if self.code != 0:
            flags |= 0x02
            head += self.code.to_bytes(4, "little") + section(self.message.encode(errors="replace")) + section(self.details)
        if self.initial:
            flags |= 0x04
            head += section(metadata_section.encode(self.initial))
        if self.trailing:
            flags |= 0x08
            head += section(metadata_section.encode(self.trailing))
        return _frame(STATUS, self.call, flags, head, self.reply or b"")

    @classmethod
    def parse(cls, call: int, flags: int, head: _Head, body: bytes) -> "Status":
        code, message, details = 0, "", b""
        if flags & 0x02:
            code, message, details = head.integer(4), head.section().decode(errors="replace"), head.section()
            if code == 0:
                raise ProtocolError("a STATUS has the code 0 for an error")
        initial = head.metadata() if flags & 0x04 else ()
        trailing = head.metadata() if flags & 0x08 else ()
        if body and not flags & 0x01:
            raise ProtocolError("a STATUS without a message has a body")
        reply = body if flags & 0x01 else None
        return cls(call, code, message, details, initial, trailing, reply, bool(flags & 0x10))


Frame = Hello | Goaway | Ping | Credit | Call | Message | HalfClose | Cancel | Initial | Status

# The flags that the page defines, but for FDS; whether the frame is of a call (None: it may be); and what reads the rest.
_KINDS: dict[int, tuple[int, bool | None, Callable[[int, int, _Head, bytes], Frame]]] = {
    HELLO: (0x00, False, Hello.parse),
    GOAWAY: (0x00, False, Goaway.parse),
    PING: (0x01, False, Ping.parse),
    CREDIT: (0x00, None, Credit.parse),
    CALL: (0x1F, True, Call.parse),
    MESSAGE: (0x07, True, Message.parse),
    HALF_CLOSE: (0x00, True, HalfClose.parse),
    CANCEL: (0x00, True, Cancel.parse),
    INITIAL: (0x00, True, Initial.parse),
    STATUS: (0x1F, True, Status.parse),
}


def parse_packet(packet: bytes) -> Iterator[Frame]:
    """The frames of a packet, one after the other, without those that may be ignored. ProtocolError: a malformed one."""
    if len(packet) > MAX_PACKET:
        raise ProtocolError(f"a packet of more than {MAX_PACKET} bytes")
    offset = 0
    while offset < len(packet):
        if len(packet) - offset < HEADER.size:
            raise ProtocolError("a packet ends within a frame's header")
        size, kind, flags, head_size, call = HEADER.unpack_from(packet, offset)
        if not HEADER.size + head_size <= size <= len(packet) - offset:
            raise ProtocolError(f"a frame of type {kind:#x} has a size of {size} and a head of {head_size}")
        head_end = offset + HEADER.size + head_size
        if kind in _KINDS:
            allowed, of_call, parse = _KINDS[kind]
            if flags & ~allowed:
                raise ProtocolError(f"a frame of type {kind:#x} has the flags {flags:#x}")
            if of_call is not None and of_call != (call != 0):
                raise ProtocolError(f"a frame of type {kind:#x} is of call {call}")
            head = _Head(packet[offset + HEADER.size : head_end])
            yield parse(call, flags, head, packet[head_end : offset + size])
        elif not kind & IGNORABLE:
            raise ProtocolError(f"a frame of the unknown type {kind:#x}")
        offset += size

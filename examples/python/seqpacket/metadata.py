"""Metadata: section 5 of docs/PROTOCOL.md."""

import re
from collections.abc import Iterable, Sequence

from .status import ProtocolError, RpcError, StatusCode

# Values of keys that end in "-bin" are bytes, all others str.
Metadata = Sequence[tuple[str, str | bytes]]

MAX_SECTION = 24_576

_KEY = re.compile(rb"[0-9a-z_.-]+")
_TEXT = re.compile(rb"[\x20-\x7e]*")
_RESERVED = {b"content-type", b"te", b"user-agent"}


def _valid(key: bytes, value: bytes) -> bool:
    if not _KEY.fullmatch(key) or key.startswith(b"grpc-") or key in _RESERVED:
        return False
    return key.endswith(b"-bin") or _TEXT.fullmatch(value) is not None


def section(data: bytes) -> bytes:
    """A length of two bytes, and as many bytes."""
    return len(data).to_bytes(2, "little") + data


def size(metadata: Metadata) -> int:
    """Counted as HTTP/2 does, which is what limits speak of."""
    return sum(len(key) + len(value) + 32 for key, value in metadata)


def encode(metadata: Metadata) -> bytes:
    """The entries of a metadata section. RpcError: what is not to be sent."""
    encoded = b""
    for name, text in metadata:
        key = name.encode()
        value = text.encode() if isinstance(text, str) else text
        if not _valid(key, value):
            raise RpcError(StatusCode.INTERNAL, f"metadata of the key {name!r} is not valid")
        if len(encoded) + 4 + len(key) + len(value) > MAX_SECTION:
            raise RpcError(StatusCode.RESOURCE_EXHAUSTED, f"metadata of more than {MAX_SECTION} bytes")
        encoded += section(key) + section(value)
    return encoded


def parse(entries: Iterable[tuple[bytes, bytes]]) -> Metadata:
    """What `encode` made, cut into keys and values. ProtocolError: a peer that sends what it may not."""
    metadata: list[tuple[str, str | bytes]] = []
    for key, value in entries:
        if not _valid(key, value):
            raise ProtocolError(f"metadata of the key {key!r} is not valid")
        metadata.append((key.decode(), value if key.endswith(b"-bin") else value.decode()))
    return metadata

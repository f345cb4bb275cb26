"""Where a server listens: section 3 of docs/PROTOCOL.md."""

import os
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager

_MAX_ADDRESS = 107


def socket_name(endpoint: str) -> str | bytes:
    """What `unix:PATH` or `unix-abstract:NAME` is called; an abstract name as Python has it, behind a NUL."""
    scheme, _, rest = endpoint.partition(":")
    name = urllib.parse.unquote_to_bytes(rest)
    if scheme == "unix" and name:
        if name.startswith(b"//"):
            name = name[2:]
        if b"\0" not in name and not name.endswith(b"/"):
            return os.fsdecode(name) + ".seqpacket"
    elif scheme == "unix-abstract" and 1 <= len(name) <= _MAX_ADDRESS:
        return b"\0" + name
    raise ValueError(f"{endpoint}: it is neither unix:PATH nor unix-abstract:NAME")


@contextmanager
def socket_address(name: str | bytes) -> Iterator[str | bytes]:
    """What to give to bind or connect: a path that is too long for an address is reached through its directory."""
    if isinstance(name, bytes) or len(os.fsencode(name)) <= _MAX_ADDRESS:
        yield name
        return
    directory, base = os.path.split(name)
    fd = os.open(directory or ".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{fd}/{base}"
    finally:
        os.close(fd)

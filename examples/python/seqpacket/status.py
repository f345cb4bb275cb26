"""How calls end: section 4.3 of docs/PROTOCOL.md."""

import enum


class StatusCode(enum.IntEnum):
    """The codes of gRPC, with its numbers."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16

    @classmethod
    def _missing_(cls, value: object) -> "StatusCode":
        return cls.UNKNOWN


class RpcError(Exception):
    """A call that did not end with OK: a client gets it, and a handler raises it."""

    def __init__(self, code: StatusCode, message: str = "", details: bytes = b"") -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message
        self.details = details  # a serialized google.rpc.Status, or empty


class ProtocolError(Exception):
    """The peer broke a rule of docs/PROTOCOL.md (a "connection error"): the connection ends."""


class ConnectionClosed(Exception):
    """The connection ended while somebody waited for it."""

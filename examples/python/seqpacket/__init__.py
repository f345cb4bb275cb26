"""The seqpacket transport of udsrpc in Python: see docs/PROTOCOL.md, and README.md beside this package."""

from .call import Call
from .client import Channel, Stub
from .server import Server, ServerContext
from .status import RpcError, StatusCode

__all__ = ["Call", "Channel", "RpcError", "Server", "ServerContext", "StatusCode", "Stub"]

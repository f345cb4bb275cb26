#!/usr/bin/env python3
"""The greeter's server: greeter_server.py ENDPOINT...

Serves every endpoint until it gets SIGINT or SIGTERM. Needs greeter_pb2, which protoc makes of ../greeter/greeter.proto.
"""

import asyncio
import signal
import sys

import greeter_pb2
from seqpacket import RpcError, Server, ServerContext, StatusCode


# README: server
class Greeter:
    async def SayHello(self, request: greeter_pb2.HelloRequest, context: ServerContext) -> greeter_pb2.HelloReply:
        if not request.name:
            raise RpcError(StatusCode.INVALID_ARGUMENT, "name: it is empty")
        return greeter_pb2.HelloReply(message=f"Hello, {request.name}!")


async def serve(endpoints: list[str]) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    server = Server()
    server.add_service(greeter_pb2.DESCRIPTOR.services_by_name["Greeter"], Greeter())
    for endpoint in endpoints:
        server.listen(endpoint)
        print("serving", endpoint, flush=True)
    await stopped.wait()
    await server.stop(grace=5)
    # README: end


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1:]))

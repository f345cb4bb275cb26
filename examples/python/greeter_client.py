#!/usr/bin/env python3
"""The greeter's client: greeter_client.py ENDPOINT [NAME]

Calls once and prints the reply. Needs greeter_pb2, which protoc makes of ../greeter/greeter.proto.
"""

import asyncio
import sys

import greeter_pb2
from seqpacket import Channel, RpcError, Stub


# README: client
async def say_hello(endpoint: str, name: str) -> str:
    async with Channel(endpoint) as channel:
        greeter = Stub(channel, greeter_pb2.DESCRIPTOR.services_by_name["Greeter"])
        reply = await greeter.SayHello(greeter_pb2.HelloRequest(name=name), timeout=5)
        return reply.message
    # README: end


if __name__ == "__main__":
    try:
        print(asyncio.run(say_hello(*(sys.argv[1:] + ["world"])[:2])))
    except RpcError as error:
        sys.exit(f"greeter_client.py: {error}")

"""A server written from docs/PROTOCOL.md (examples/python), for clients of udsrpc: seqpacket_server.py ENDPOINT...

Run with examples/python and the directory of testing_pb2.py in PYTHONPATH. Serves udsrpc.testing.Test; prints "ready" when
it does, says which Block was cancelled, drains when its input ends, and then prints "done".
"""

import asyncio
import logging
import sys

import testing_pb2 as pb
from seqpacket import RpcError, Server, StatusCode


def say(*words):
    print(*words, flush=True)


class Test:
    async def Echo(self, request, context):
        return pb.EchoReply(text=request.text)

    async def Fail(self, request, context):
        # FailRequest has the fields of google.rpc.Status with the same numbers and types.
        raise RpcError(StatusCode(request.code), request.message, request.SerializeToString())

    async def Look(self, request, context):
        def values(pairs):
            return [(pair.key, pair.value if pair.key.endswith("-bin") else pair.value.decode()) for pair in pairs]

        context.set_initial_metadata(values(request.initial_metadata))
        context.set_trailing_metadata(values(request.trailing_metadata))
        reply = pb.LookReply(method=context.method, peer_pid=context.peer.pid, peer_uid=context.peer.uid)
        for key, value in context.metadata:
            reply.metadata.add(key=key, value=value if isinstance(value, bytes) else value.encode())
        remaining = context.time_remaining()
        reply.remaining_us = -1 if remaining is None else int(remaining * 1e6)
        return reply

    async def Block(self, request, context):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            say("cancelled", request.gate)
            raise

    async def Throw(self, request, context):
        raise ValueError(request.text)

    async def Inflate(self, request, context):
        return pb.EchoReply(text="x" * request.bytes)

    async def Count(self, request, context):
        for _ in range(request.messages):
            yield pb.EchoReply(text="x" * request.bytes)

    async def Collect(self, requests, context):
        reply = pb.CollectReply()
        async for request in requests:
            reply.messages += 1
            reply.bytes += len(request.text)
        return reply

    async def Chat(self, requests, context):
        context.set_initial_metadata([("chat", "begins")])
        context.send_initial_metadata()
        async for request in requests:
            if request.text == "abort":
                raise RpcError(StatusCode.ABORTED, "as asked")
            yield pb.EchoReply(text=request.text)

    async def Hold(self, requests, context):
        yield pb.EchoReply(text="held")
        await asyncio.Event().wait()


async def main(endpoints):
    server = Server()
    server.add_service(pb.DESCRIPTOR.services_by_name["Test"], Test())
    for endpoint in endpoints:
        server.listen(endpoint)
    say("ready")
    await asyncio.to_thread(sys.stdin.read)
    stopping = asyncio.create_task(server.stop(grace=10))
    await asyncio.sleep(0)  # it has begun
    say("draining")
    await stopping
    say("done")


logging.disable()  # of what Throw throws
asyncio.run(main(sys.argv[1:]))

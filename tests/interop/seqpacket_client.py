"""A client written from docs/PROTOCOL.md (examples/python) against a udsrpc server: seqpacket_client.py ENDPOINT...

With --load and one endpoint it says "calling" when its first calls have come back, goes on until its input ends, and says "ok
load" if none has failed.

Run with examples/python and the directory of testing_pb2.py in PYTHONPATH. Prints "ok" and the scenario's name for each,
and exits with 0 where everything is as it should be.
"""

import asyncio
import sys

import testing_pb2 as pb
from seqpacket import Channel, RpcError, StatusCode, Stub
from seqpacket.methods import Method

MIB = 1 << 20
SERVICE = pb.DESCRIPTOR.services_by_name["Test"]
IMPOSTOR = pb.DESCRIPTOR.services_by_name["Impostor"]
SCENARIOS = []


def scenario(function):
    SCENARIOS.append(function)
    return function


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


async def expect_code(code, awaitable):
    try:
        await awaitable
    except RpcError as error:
        expect(error.code == code, f"{error} in place of {code.name}")
        return error
    raise AssertionError(f"OK in place of {code.name}")


@scenario
async def echo(channel, stub):
    for text in ["", "hello", "ü" * 100]:
        expect((await stub.Echo(pb.EchoRequest(text=text), timeout=20)).text == text, "another text came back")


@scenario
async def long_messages(channel, stub):
    # Around what fits into one packet, the first fragment, a call's window, the connection's; and close to the limit.
    sizes = [65_536 + less for less in range(-60, 12, 3)] + [131_072 - 12, 131_072, 262_144, MIB, 4 * MIB - 16]
    for size in sizes:
        text = "x" * size
        expect(
            (await stub.Echo(pb.EchoRequest(text=text), timeout=20)).text == text, f"{size} bytes came back otherwise"
        )
    replies = await asyncio.gather(*(stub.Echo(pb.EchoRequest(text=str(i) * MIB), timeout=20) for i in range(8)))
    expect([reply.text for reply in replies] == [str(i) * MIB for i in range(8)], "messages were mixed up")


@scenario
async def too_long_messages(channel, stub):
    await expect_code(StatusCode.RESOURCE_EXHAUSTED, stub.Echo(pb.EchoRequest(text="x" * (4 * MIB + 1)), timeout=20))
    await expect_code(StatusCode.RESOURCE_EXHAUSTED, stub.Inflate(pb.InflateRequest(bytes=4 * MIB + 1), timeout=20))
    async with Channel(channel.endpoint, max_message=100) as small:
        await expect_code(
            StatusCode.RESOURCE_EXHAUSTED, Stub(small, SERVICE).Inflate(pb.InflateRequest(bytes=101), timeout=20)
        )
        expect((await Stub(small, SERVICE).Echo(pb.EchoRequest(text="x" * 98), timeout=20)).text, "nothing came back")


@scenario
async def status(channel, stub):
    request = pb.FailRequest(code=5, message="not here: ü%")
    request.payloads.add(key="type.googleapis.com/x.Y", value=b"\x00\xff")
    error = await expect_code(StatusCode.NOT_FOUND, stub.Fail(request, timeout=20))
    expect(error.message == "not here: ü%", error.message)
    # FailRequest has the fields of google.rpc.Status with the same numbers and types.
    expect(pb.FailRequest.FromString(error.details) == request, error.details)
    await expect_code(StatusCode.UNKNOWN, stub.Throw(pb.EchoRequest(text="x"), timeout=20))
    await expect_code(StatusCode.UNIMPLEMENTED, Stub(channel, IMPOSTOR).Echo(pb.EchoRequest(), timeout=20))


@scenario
async def metadata(channel, stub):
    request = pb.LookRequest()
    request.initial_metadata.add(key="first", value=b"a")
    request.trailing_metadata.add(key="last-bin", value=b"\x00z")
    call = stub.Look(request, timeout=20, metadata=[("k", "1"), ("k", "2"), ("b-bin", b"\xff\x00")])
    reply = await call
    seen = [(pair.key, pair.value) for pair in reply.metadata]
    expect(sorted(seen) == [("b-bin", b"\xff\x00"), ("k", b"1"), ("k", b"2")], seen)
    expect(list(await call.initial_metadata()) == [("first", "a")], await call.initial_metadata())
    expect(list(await call.trailing_metadata()) == [("last-bin", b"\x00z")], await call.trailing_metadata())
    expect(0 < reply.remaining_us <= 20_000_000, reply.remaining_us)
    expect((await stub.Look(pb.LookRequest())).remaining_us == -1, "there is a deadline that nobody has set")
    too_much = [("k", "x" * 9_000)]
    await expect_code(StatusCode.RESOURCE_EXHAUSTED, stub.Look(pb.LookRequest(), timeout=20, metadata=too_much))
    request.initial_metadata.add(key="long", value=b"x" * 9_000)
    await expect_code(StatusCode.RESOURCE_EXHAUSTED, stub.Look(request, timeout=20))
    await expect_code(StatusCode.INTERNAL, stub.Look(pb.LookRequest(), timeout=20, metadata=[("grpc-x", "1")]))


@scenario
async def deadline(channel, stub):
    calls = [stub.Block(pb.BlockRequest(gate="closed"), timeout=0.1) for _ in range(10)]
    await asyncio.gather(*(expect_code(StatusCode.DEADLINE_EXCEEDED, call) for call in calls))
    await expect_code(StatusCode.DEADLINE_EXCEEDED, stub.Echo(pb.EchoRequest(), timeout=0))


@scenario
async def cancel(channel, stub):
    call = stub.Hold(timeout=20)
    expect((await call.read()).text == "held", "the handler does not run")
    call.cancel()
    await expect_code(StatusCode.CANCELLED, call.read())
    task = asyncio.create_task(asyncio.wait_for(stub.Block(pb.BlockRequest(gate="closed"), timeout=20), 0.1))
    await asyncio.wait([task])
    expect(isinstance(task.exception(), TimeoutError), task)
    await channel.ping()
    expect((await stub.Echo(pb.EchoRequest(text="on"), timeout=20)).text == "on", "the connection does not go on")


@scenario
async def server_streaming(channel, stub):
    sizes = [len(reply.text) async for reply in stub.Count(pb.InflateRequest(bytes=1_000, messages=1_000), timeout=20)]
    expect(sizes == [1_000] * 1_000, f"{len(sizes)} replies")
    sizes = [len(reply.text) async for reply in stub.Count(pb.InflateRequest(bytes=2 * MIB, messages=4), timeout=20)]
    expect(sizes == [2 * MIB] * 4, sizes)
    expect([r async for r in stub.Count(pb.InflateRequest(), timeout=20)] == [], "replies that nobody asked for")


@scenario
async def client_streaming(channel, stub):
    call = stub.Collect(timeout=20)
    for size in [0, 10, 100_000, 3 * MIB, 5]:
        expect(await call.write(pb.EchoRequest(text="x" * size)), "the call ended early")
    await call.done_writing()
    reply = await call
    expect((reply.messages, reply.bytes) == (5, 100_015 + 3 * MIB), reply)


@scenario
async def chat(channel, stub):
    call = stub.Chat(timeout=20)
    for text in ["a", "", "b" * 300_000, "c"]:
        await call.write(pb.EchoRequest(text=text))
        expect((await call.read()).text == text, "another text came back")
    await call.done_writing()
    expect(await call.read() is None, "a message too many")
    call = stub.Chat(timeout=20)
    await call.write(pb.EchoRequest(text="abort"))
    await expect_code(StatusCode.ABORTED, call.read())
    expect(not await call.write(pb.EchoRequest(text="late")), "a write after the end")


@scenario
async def many_calls(channel, stub):
    replies = await asyncio.gather(*(stub.Echo(pb.EchoRequest(text=str(i)), timeout=20) for i in range(1_000)))
    expect([reply.text for reply in replies] == [str(i) for i in range(1_000)], "replies were mixed up")


@scenario
async def slow_reader(channel, stub):
    call = stub.Count(pb.InflateRequest(bytes=1_000, messages=1_000), timeout=20)
    await call.initial_metadata()
    for i in range(20):  # others go on
        expect((await stub.Echo(pb.EchoRequest(text="x" * 10_000), timeout=20)).text, "nothing came back")
    await channel.ping()
    # More than the credit would have ended the connection; and now the rest.
    expect(len([reply async for reply in call]) == 1_000, "replies are missing")


@scenario
async def slow_server(channel, stub):
    call = stub.Hold(timeout=20)
    expect((await call.read()).text == "held", "the handler does not run")
    written = 0

    async def write_on():
        nonlocal written
        while await call.write(pb.EchoRequest(text="x" * 10_000)):
            written += 1

    writer = asyncio.create_task(write_on())
    for i in range(20):
        expect((await stub.Echo(pb.EchoRequest(text="x" * 10_000), timeout=20)).text, "nothing came back")
    expect(written == 6, f"{written} messages were written that nobody reads")  # 65,536 bytes
    call.cancel()
    await writer


@scenario
async def ping(channel, stub):
    await asyncio.gather(*(channel.ping() for _ in range(100)))


@scenario
async def many_methods(channel, stub):
    """More than there are numbers for."""

    def method(i):
        return Method("Echo", f"/udsrpc.testing.Test/Echo{i}".encode(), pb.EchoRequest, pb.EchoReply, False, False)

    for i in [*range(1_100), *range(3)]:
        await expect_code(StatusCode.UNIMPLEMENTED, channel.call(method(i), pb.EchoRequest(), timeout=20))
    expect((await stub.Echo(pb.EchoRequest(text="on"), timeout=20)).text == "on", "the connection does not go on")


async def drain(endpoint):
    """The server is told to end while a stream is open, by whoever reads "drain" from this program."""
    async with Channel(endpoint) as channel:
        stub = Stub(channel, SERVICE)
        call = stub.Chat(timeout=20)
        await call.write(pb.EchoRequest(text="before"))
        expect((await call.read()).text == "before", "another text came back")
        connection = await channel.connection()
        print("drain", flush=True)
        await asyncio.wait_for(connection.changes.until(lambda: not connection.usable), 20)
        await expect_code(StatusCode.UNAVAILABLE, stub.Echo(pb.EchoRequest(), timeout=20))
        await call.write(pb.EchoRequest(text="after" * 50_000))
        expect((await call.read()).text == "after" * 50_000, "another text came back")
        await call.done_writing()
        expect(await call.read() is None, "a message too many")
    print("ok drain", flush=True)


async def main(endpoints):
    for endpoint in endpoints:
        async with Channel(endpoint) as channel:
            for run in SCENARIOS:
                await asyncio.wait_for(run(channel, Stub(channel, SERVICE)), 60)
                print("ok", run.__name__, flush=True)
    await drain(endpoints[0])


async def load(endpoint):
    async with Channel(endpoint) as channel:
        stub = Stub(channel, SERVICE)
        input_ends = asyncio.ensure_future(asyncio.to_thread(sys.stdin.read))
        rounds = 0
        while not input_ends.done():
            call = stub.Chat(timeout=20)
            replies = asyncio.gather(*(stub.Echo(pb.EchoRequest(text=f"{rounds}"), timeout=20) for _ in range(10)))
            expect(await call.write(pb.EchoRequest(text="x" * 100_000)), "the stream ended early")
            expect((await call.read()).text == "x" * 100_000, "another text came back")
            await call.done_writing()
            expect(await call.read() is None, "a message too many")
            expect({reply.text for reply in await replies} == {f"{rounds}"}, "another text came back")
            rounds += 1
            if rounds == 10:
                print("calling", flush=True)
    print("ok load", flush=True)


if sys.argv[1] == "--load":
    asyncio.run(load(sys.argv[2]))
else:
    asyncio.run(main(sys.argv[1:]))

"""A client of grpcio (nobody here wrote it) against a udsrpc server: grpcio_client.py TARGET...

Run with the directory of testing_pb2.py in PYTHONPATH. Prints "ok" and the scenario's name for each, and exits with 0
where everything is as it should be.
"""

import queue
import sys

import grpc
import testing_pb2 as pb

MIB = 1 << 20
SERVICE = "/udsrpc.testing.Test/"
SCENARIOS = []


class Stub:
    """Debian has no generator of grpcio's code for Python, so its channel is told what streams."""

    def __init__(self, channel):
        def method(kind, name, request, reply):
            call = getattr(channel, kind)(SERVICE + name, request.SerializeToString, reply.FromString)
            setattr(self, name, call)

        for name, request in [
            ("Echo", pb.EchoRequest),
            ("Fail", pb.FailRequest),
            ("Block", pb.BlockRequest),
            ("Inflate", pb.InflateRequest),
            ("Throw", pb.EchoRequest),
            ("Nope", pb.EchoRequest),
        ]:
            method("unary_unary", name, request, pb.EchoReply)
        method("unary_unary", "Look", pb.LookRequest, pb.LookReply)
        method("unary_stream", "Count", pb.InflateRequest, pb.EchoReply)
        method("stream_unary", "Collect", pb.EchoRequest, pb.CollectReply)
        method("stream_stream", "Chat", pb.EchoRequest, pb.EchoReply)
        method("stream_stream", "Hold", pb.EchoRequest, pb.EchoReply)


def scenario(function):
    SCENARIOS.append(function)
    return function


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def expect_code(code, function):
    try:
        function()
    except grpc.RpcError as error:
        expect(error.code() == code, f"{error.code()} in place of {code}: {error.details()}")
        return error
    raise AssertionError(f"OK in place of {code}")


@scenario
def echo(stub):
    for text in ["", "hello", "ü" * 100]:
        expect(stub.Echo(pb.EchoRequest(text=text), timeout=20).text == text, "another text came back")


@scenario
def long_messages(stub):
    for size in [65_536, MIB, 4 * MIB - 16]:
        text = "x" * size
        expect(stub.Echo(pb.EchoRequest(text=text), timeout=20).text == text, f"{size} bytes came back otherwise")
    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    expect_code(code, lambda: stub.Echo(pb.EchoRequest(text="x" * (4 * MIB + 1)), timeout=20))
    expect_code(code, lambda: stub.Inflate(pb.InflateRequest(bytes=4 * MIB + 1), timeout=20))


@scenario
def status(stub):
    request = pb.FailRequest(code=5, message="not here: ü%")
    request.payloads.add(key="type.googleapis.com/x.Y", value=b"\x00\xff")
    error = expect_code(grpc.StatusCode.NOT_FOUND, lambda: stub.Fail(request, timeout=20))
    expect(error.details() == "not here: ü%", error.details())
    # FailRequest has the fields of google.rpc.Status with the same numbers and types.
    details = dict(error.trailing_metadata()).get("grpc-status-details-bin")
    expect(details is not None and pb.FailRequest.FromString(details) == request, details)
    expect_code(grpc.StatusCode.UNKNOWN, lambda: stub.Throw(pb.EchoRequest(text="x"), timeout=20))
    expect_code(grpc.StatusCode.UNIMPLEMENTED, lambda: stub.Nope(pb.EchoRequest(), timeout=20))


@scenario
def metadata(stub):
    request = pb.LookRequest()
    request.initial_metadata.add(key="first", value=b"a")
    request.trailing_metadata.add(key="last-bin", value=b"\x00z")
    sent = [("k", "1"), ("k", "2"), ("b-bin", b"\xff\x00")]
    reply, call = stub.Look.with_call(request, timeout=20, metadata=sent)
    seen = sorted((p.key, p.value) for p in reply.metadata)
    expect(seen == [("b-bin", b"\xff\x00"), ("k", b"1"), ("k", b"2")], seen)
    expect(("first", "a") in [tuple(m) for m in call.initial_metadata()], call.initial_metadata())
    expect(("last-bin", b"\x00z") in [tuple(m) for m in call.trailing_metadata()], call.trailing_metadata())
    # gRPC rounds timeouts up on the wire.
    expect(0 < reply.remaining_us <= 21_000_000, reply.remaining_us)
    expect(stub.Look(pb.LookRequest()).remaining_us == -1, "there is a deadline that nobody has set")


@scenario
def deadline(stub):
    calls = [stub.Block.future(pb.BlockRequest(gate="closed"), timeout=0.1) for _ in range(10)]
    for call in calls:
        expect_code(grpc.StatusCode.DEADLINE_EXCEEDED, call.result)


@scenario
def cancel(stub):
    call = stub.Hold(iter([]), timeout=20)
    expect(next(call).text == "held", "the handler does not run")
    call.cancel()
    expect(call.code() == grpc.StatusCode.CANCELLED, call.code())


@scenario
def server_streaming(stub):
    for size, messages in [(1_000, 1_000), (2 * MIB, 4), (1, 0)]:
        replies = stub.Count(pb.InflateRequest(bytes=size, messages=messages), timeout=20)
        sizes = [len(reply.text) for reply in replies]
        expect(sizes == [size] * messages, f"{len(sizes)} replies")


@scenario
def client_streaming(stub):
    sizes = [0, 10, 100_000, 3 * MIB, 5]
    reply = stub.Collect((pb.EchoRequest(text="x" * size) for size in sizes), timeout=20)
    expect((reply.messages, reply.bytes) == (len(sizes), sum(sizes)), reply)


@scenario
def chat(stub):
    requests = queue.SimpleQueue()
    call = stub.Chat(iter(requests.get, None), timeout=20)
    for text in ["a", "", "b" * 300_000, "c"]:
        requests.put(pb.EchoRequest(text=text))
        expect(next(call).text == text, "another text came back")
    requests.put(None)
    expect(next(call, None) is None, "a message too many")
    call = stub.Chat(iter([pb.EchoRequest(text="abort")]), timeout=20)
    expect_code(grpc.StatusCode.ABORTED, lambda: next(call))


@scenario
def many_calls(stub):
    calls = [stub.Echo.future(pb.EchoRequest(text=str(i)), timeout=20) for i in range(200)]
    expect([call.result().text for call in calls] == [str(i) for i in range(200)], "replies were mixed up")


@scenario
def slow_reader(stub):
    call = stub.Count(pb.InflateRequest(bytes=1_000, messages=1_000), timeout=20)
    next(call)
    for _ in range(20):  # others go on
        expect(stub.Echo(pb.EchoRequest(text="x" * 10_000), timeout=20).text, "nothing came back")
    expect(len(list(call)) == 999, "replies are missing")


for target in sys.argv[1:]:
    with grpc.insecure_channel(target, options=[("grpc.default_authority", "localhost")]) as channel:
        for run in SCENARIOS:
            run(Stub(channel))
            print("ok", run.__name__, flush=True)

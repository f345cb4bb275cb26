"""A client of grpcio (nobody here wrote it) against a udsrpc server: grpcio_client.py TARGET...

Run with the directory of testing_pb2.py in PYTHONPATH. Exits with 0 where everything is as it should be.
"""

import sys

import grpc
import testing_pb2 as pb

SERVICE = "/udsrpc.testing.Test/"


def unary(channel, method, request, reply_type):
    return channel.unary_unary(
        SERVICE + method,
        request_serializer=type(request).SerializeToString,
        response_deserializer=reply_type.FromString,
    )


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def expect_code(code, call, request, **options):
    try:
        call(request, timeout=options.pop("timeout", 20), **options)
    except grpc.RpcError as error:
        expect(error.code() == code, f"{error.code()} in place of {code}: {error.details()}")
        return error
    raise AssertionError(f"OK in place of {code}")


def check(target):
    with grpc.insecure_channel(target, options=[("grpc.default_authority", "localhost")]) as channel:
        echo = unary(channel, "Echo", pb.EchoRequest(), pb.EchoReply)
        for text in ["", "hello", "x" * 1000000]:
            expect(echo(pb.EchoRequest(text=text), timeout=20).text == text, "another text came back")

        fail = unary(channel, "Fail", pb.FailRequest(), pb.EchoReply)
        request = pb.FailRequest(code=5, message="not here: ü%")
        request.payloads.add(key="type.googleapis.com/x.Y", value=b"\x00\xff")
        error = expect_code(grpc.StatusCode.NOT_FOUND, fail, request)
        expect(error.details() == "not here: ü%", error.details())
        details = dict(error.trailing_metadata()).get("grpc-status-details-bin")
        expect(details is not None and b"\x00\xff" in details, "the status details did not arrive")

        look = unary(channel, "Look", pb.LookRequest(), pb.LookReply)
        request = pb.LookRequest()
        request.initial_metadata.add(key="first", value=b"a")
        request.trailing_metadata.add(key="last-bin", value=b"\x00z")
        reply, call = look.with_call(request, timeout=20, metadata=[("k", "1"), ("k", "2"), ("b-bin", b"\xff")])
        seen = sorted((p.key, p.value) for p in reply.metadata)
        expect(seen == [("b-bin", b"\xff"), ("k", b"1"), ("k", b"2")], seen)
        expect(("first", "a") in [tuple(m) for m in call.initial_metadata()], call.initial_metadata())
        expect(("last-bin", b"\x00z") in [tuple(m) for m in call.trailing_metadata()], call.trailing_metadata())
        # gRPC rounds timeouts up on the wire.
        expect(0 < reply.remaining_us <= 21_000_000, reply.remaining_us)

        block = unary(channel, "Block", pb.BlockRequest(), pb.EchoReply)
        expect_code(grpc.StatusCode.DEADLINE_EXCEEDED, block, pb.BlockRequest(gate="closed"), timeout=0.1)

        nope = unary(channel, "Nope", pb.EchoRequest(), pb.EchoReply)
        expect_code(grpc.StatusCode.UNIMPLEMENTED, nope, pb.EchoRequest())


for address in sys.argv[1:]:
    check(address)
    print("ok", address)

"""A server of grpcio (nobody here wrote it), for clients of udsrpc: grpcio_server.py TARGET...

Run with the directory of testing_pb2.py in PYTHONPATH. Serves udsrpc.testing.Test; prints "ready" when it does, says which
Block was cancelled, drains when its input ends, and then prints "done".
"""

import concurrent.futures
import sys
import threading

import grpc
import testing_pb2 as pb


def say(*words):
    print(*words, flush=True)


def echo(request, context):
    return pb.EchoReply(text=request.text)


def fail(request, context):
    # FailRequest has the fields of google.rpc.Status with the same numbers and types.
    context.set_trailing_metadata([("grpc-status-details-bin", request.SerializeToString())])
    context.abort(next(code for code in grpc.StatusCode if code.value[0] == request.code), request.message)


def look(request, context):
    def values(pairs):
        return [(pair.key, pair.value if pair.key.endswith("-bin") else pair.value.decode()) for pair in pairs]

    context.send_initial_metadata(values(request.initial_metadata))
    context.set_trailing_metadata(values(request.trailing_metadata))
    reply = pb.LookReply()
    for key, value in context.invocation_metadata():
        if key != "user-agent":
            reply.metadata.add(key=key, value=value if isinstance(value, bytes) else value.encode())
    remaining = context.time_remaining()
    reply.remaining_us = -1 if remaining is None else int(remaining * 1e6)
    return reply


def until_cancelled(context):
    ended = threading.Event()
    if context.add_callback(ended.set):
        ended.wait(30)


def block(request, context):
    until_cancelled(context)
    say("cancelled", request.gate)
    return pb.EchoReply()


def throw(request, context):
    raise ValueError(request.text)


def inflate(request, context):
    return pb.EchoReply(text="x" * request.bytes)


def count(request, context):
    for _ in range(request.messages):
        yield pb.EchoReply(text="x" * request.bytes)


def collect(requests, context):
    reply = pb.CollectReply()
    for request in requests:
        reply.messages += 1
        reply.bytes += len(request.text)
    return reply


def chat(requests, context):
    context.send_initial_metadata([("chat", "begins")])
    for request in requests:
        if request.text == "abort":
            context.abort(grpc.StatusCode.ABORTED, "as asked")
        yield pb.EchoReply(text=request.text)


def hold(requests, context):
    yield pb.EchoReply(text="held")
    until_cancelled(context)


def handler(kind, function, request, reply):
    return getattr(grpc, kind + "_rpc_method_handler")(function, request.FromString, reply.SerializeToString)


HANDLERS = {
    "Echo": handler("unary_unary", echo, pb.EchoRequest, pb.EchoReply),
    "Fail": handler("unary_unary", fail, pb.FailRequest, pb.EchoReply),
    "Look": handler("unary_unary", look, pb.LookRequest, pb.LookReply),
    "Block": handler("unary_unary", block, pb.BlockRequest, pb.EchoReply),
    "Throw": handler("unary_unary", throw, pb.EchoRequest, pb.EchoReply),
    "Inflate": handler("unary_unary", inflate, pb.InflateRequest, pb.EchoReply),
    "Count": handler("unary_stream", count, pb.InflateRequest, pb.EchoReply),
    "Collect": handler("stream_unary", collect, pb.EchoRequest, pb.CollectReply),
    "Hold": handler("stream_stream", hold, pb.EchoRequest, pb.EchoReply),
    "Chat": handler("stream_stream", chat, pb.EchoRequest, pb.EchoReply),
}

server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=32))
server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("udsrpc.testing.Test", HANDLERS)])
for target in sys.argv[1:]:
    server.add_insecure_port(target)
server.start()
say("ready")
sys.stdin.read()
stopped = server.stop(grace=10)
say("draining")
stopped.wait()
say("done")

"""grpcio asks a udsrpc server for its health, and what it is made of: grpcio_services.py TARGET

Run with the directory of the modules made from grpc-proto as its second argument: their package has the name of
grpcio's own, and is put behind it. Prints a line for each step, and exits with 0 where all is as it should be.
"""

import sys

import grpc

grpc.__path__.append(sys.argv[2] + "/grpc")

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: E402
from grpc.health.v1 import health_pb2  # noqa: E402
from grpc.reflection.v1 import reflection_pb2 as v1  # noqa: E402
from grpc.reflection.v1alpha import reflection_pb2 as v1alpha  # noqa: E402

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def check_health(channel):
    check = channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    watch = channel.unary_stream(
        "/grpc.health.v1.Health/Watch",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    for service in ["", "udsrpc.testing.Test"]:
        expect(check(health_pb2.HealthCheckRequest(service=service), timeout=20).status == SERVING, service)
    try:
        check(health_pb2.HealthCheckRequest(service="none"), timeout=20)
        raise AssertionError("OK for a service that is not there")
    except grpc.RpcError as error:
        expect(error.code() == grpc.StatusCode.NOT_FOUND, error)
    unknown = watch(health_pb2.HealthCheckRequest(service="none"), timeout=20)
    expect(next(unknown).status == SERVICE_UNKNOWN, "a service that is not there")
    unknown.cancel()
    watching = watch(health_pb2.HealthCheckRequest(), timeout=20)
    expect(next(watching).status == SERVING, "the server")
    return watching


def reflect(channel, module, requests):
    version = module.DESCRIPTOR.package
    ask = channel.stream_stream(
        f"/{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=module.ServerReflectionRequest.SerializeToString,
        response_deserializer=module.ServerReflectionResponse.FromString,
    )
    return list(ask(iter(requests), timeout=20))


def check_reflection(channel, module):
    request = module.ServerReflectionRequest
    listed, files, missing = reflect(
        channel,
        module,
        [
            request(list_services=""),
            request(file_containing_symbol="udsrpc.testing.Test.Echo"),
            request(file_by_filename="none.proto"),
        ],
    )
    names = [service.name for service in listed.list_services_response.service]
    expect("udsrpc.testing.Test" in names and "grpc.health.v1.Health" in names, names)
    expect(missing.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0], missing)

    # A call by what was learned alone.
    pool = descriptor_pool.DescriptorPool()
    for serialized in reversed(files.file_descriptor_response.file_descriptor_proto):
        pool.Add(descriptor_pb2.FileDescriptorProto.FromString(serialized))
    method = pool.FindServiceByName("udsrpc.testing.Test").FindMethodByName("Echo")
    factory = message_factory.MessageFactory(pool)
    echo = channel.unary_unary(
        "/udsrpc.testing.Test/Echo",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=factory.GetPrototype(method.output_type).FromString,
    )
    reply = echo(factory.GetPrototype(method.input_type)(text="learned"), timeout=20)
    expect(reply.text == "learned", reply)


with grpc.insecure_channel(sys.argv[1], options=[("grpc.default_authority", "localhost")]) as opened:
    check_reflection(opened, v1)
    check_reflection(opened, v1alpha)
    print("reflected", flush=True)
    states = check_health(opened)
    print("watching", flush=True)
    expect(next(states).status == NOT_SERVING, "the end was not told")
    expect(list(states) == [], "a watch outlives its server")
    expect(states.code() == grpc.StatusCode.OK, states)
    print("ended", flush=True)

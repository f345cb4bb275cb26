"""The methods of a service, as its .proto has them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf import message_factory, symbol_database
from google.protobuf.descriptor import Descriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import ServiceDescriptorProto
from google.protobuf.message import Message


@dataclass(frozen=True, slots=True)
class Method:
    name: str
    path: bytes  # "/package.Service/Method"
    request_type: type[Message]
    reply_type: type[Message]
    streams_requests: bool
    streams_replies: bool


def _message_class(descriptor: Descriptor) -> Any:
    if hasattr(message_factory, "GetMessageClass"):  # Protobuf 4.22 and later
        return message_factory.GetMessageClass(descriptor)
    return symbol_database.Default().GetPrototype(descriptor)


def methods_of(service: ServiceDescriptor) -> Iterator[Method]:
    proto = ServiceDescriptorProto()
    service.CopyToProto(proto)  # which says what streams in every version of Protobuf
    for method, kind in zip(service.methods, proto.method, strict=True):
        yield Method(
            name=method.name,
            path=f"/{service.full_name}/{method.name}".encode(),
            request_type=_message_class(method.input_type),
            reply_type=_message_class(method.output_type),
            streams_requests=kind.client_streaming,
            streams_replies=kind.server_streaming,
        )

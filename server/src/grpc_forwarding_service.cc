#include "server/src/grpc_forwarding_service.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/src/grpc_message.h"
#include "server/src/grpc_forwarded_call.h"
#include "server/src/grpc_peer_entry.h"
#include "udsrpc/wait.h"
#include "udsrpc/when.h"

namespace udsrpc {
namespace {

using internal::OpaqueMessage;

absl::Status NotForwarded(const ServerContext& context) {
  return absl::InternalError(absl::StrCat(context.method(), ": the call was not handed on"));
}

// From the client to the handler, until there is nothing more to go there; then waits until the other direction has
// ended, which cancels it.
template <typename Reader>
Task<> PumpRequests(ServerContext& context, GrpcForwardedCall& call, Reader reader) {
  for (;;) {
    const std::optional<OpaqueMessage> message = co_await reader.Read();
    if (!message) break;
    grpc::ByteBuffer buffer;
    SerializeToGrpc(*message, buffer);
    const bool written = co_await call.Write(buffer);
    if (!written) break;
  }
  // A handler must not take the one for the other.
  if (context.IsCancelled()) call.Cancel();
  const bool closed = co_await call.WritesDone();
  static_cast<void>(closed);
  co_await Cancelled();
}

template <typename Face>
Task<> ForwardInitialMetadata(GrpcForwardedCall& call, Face face) {
  const bool received = co_await call.ReadInitialMetadata();
  if (!received) co_return;
  call.TakeInitialMetadata();
  face.SendInitialMetadata();
}

template <typename Writer>
Task<> PumpResponses(GrpcForwardedCall& call, Writer writer) {
  co_await ForwardInitialMetadata(call, writer);
  for (;;) {
    grpc::ByteBuffer buffer;
    const bool read = co_await call.Read(buffer);
    if (!read) co_return;
    OpaqueMessage message;
    bool written = ParseFromGrpc(buffer, message);
    if (written) written = co_await writer.Write(message);
    if (!written) call.Cancel();
  }
}

Task<> ReadResponse(GrpcForwardedCall& call, AsyncServerReader<OpaqueMessage> face, OpaqueMessage& response) {
  co_await ForwardInitialMetadata(call, face);
  grpc::ByteBuffer buffer;
  const bool read = co_await call.Read(buffer);
  if (read) ParseFromGrpc(buffer, response);
}

}  // namespace

GrpcForwardingService::GrpcForwardingService(const google::protobuf::ServiceDescriptor& descriptor,
                                             GrpcForwardingTarget& target, const std::string& token)
    : Service(descriptor.full_name()), target_(target), token_(token) {
  for (int i = 0; i < descriptor.method_count(); ++i) Add(*descriptor.method(i));
}

void GrpcForwardingService::Add(const google::protobuf::MethodDescriptor& method) {
  using Self = GrpcForwardingService;
  const std::string path = absl::StrCat("/", name(), "/", method.name());
  if (method.client_streaming() && method.server_streaming()) {
    AddMethod(ServerMethod::BidiStreaming(path, this, &Self::Bidi, &Self::BidiAsync));
  } else if (method.client_streaming()) {
    AddMethod(ServerMethod::ClientStreaming(path, this, &Self::ClientStream, &Self::ClientStreamAsync));
  } else if (method.server_streaming()) {
    AddMethod(ServerMethod::ServerStreaming(path, this, &Self::ServerStream, &Self::ServerStreamAsync));
  } else {
    AddMethod(ServerMethod::Unary(path, this, &Self::Unary, &Self::UnaryAsync));
  }
}

absl::Status GrpcForwardingService::Unary(ServerContext& context, const Message&, Message&) {
  return NotForwarded(context);
}
absl::Status GrpcForwardingService::ServerStream(ServerContext& context, const Message&, ServerWriter<Message>&) {
  return NotForwarded(context);
}
absl::Status GrpcForwardingService::ClientStream(ServerContext& context, ServerReader<Message>&, Message&) {
  return NotForwarded(context);
}
absl::Status GrpcForwardingService::Bidi(ServerContext& context, ServerReaderWriter<Message, Message>&) {
  return NotForwarded(context);
}

Task<absl::Status> GrpcForwardingService::UnaryAsync(ServerContext& context, const Message& request,
                                                     Message& response) {
  GrpcForwardedCall call(target_, context, MakeGrpcPeerEntry(token_, context.peer()));
  grpc::ByteBuffer sent;
  grpc::ByteBuffer received;
  SerializeToGrpc(request, sent);
  const bool ended = co_await call.CallUnary(sent, received);
  static_cast<void>(ended);  // always
  call.TakeInitialMetadata();
  ParseFromGrpc(received, response);
  co_return call.TakeStatus();
}

Task<absl::Status> GrpcForwardingService::ServerStreamAsync(ServerContext& context, const Message& request,
                                                            AsyncServerWriter<Message> writer) {
  GrpcForwardedCall call(target_, context, MakeGrpcPeerEntry(token_, context.peer()));
  bool ok = co_await call.Start();
  grpc::ByteBuffer sent;
  SerializeToGrpc(request, sent);
  if (ok) ok = co_await call.WriteLast(sent);
  if (ok) co_await PumpResponses(call, writer);
  const bool ended = co_await call.Finish();  // whose status says why not
  static_cast<void>(ended);                   // always
  co_return call.TakeStatus();
}

Task<absl::Status> GrpcForwardingService::ClientStreamAsync(ServerContext& context, AsyncServerReader<Message> reader,
                                                            Message& response) {
  GrpcForwardedCall call(target_, context, MakeGrpcPeerEntry(token_, context.peer()));
  const bool started = co_await call.Start();
  static_cast<void>(started);  // where it has not, nothing else is done, and the status says why
  std::vector<Task<>> both;
  both.push_back(PumpRequests(context, call, reader));
  both.push_back(ReadResponse(call, reader, response));
  const size_t first = co_await WhenAny(std::move(both));
  static_cast<void>(first);  // the second, as the other one waits for it
  const bool finished = co_await call.Finish();
  static_cast<void>(finished);  // always
  co_return call.TakeStatus();
}

Task<absl::Status> GrpcForwardingService::BidiAsync(ServerContext& context,
                                                    AsyncServerReaderWriter<Message, Message> stream) {
  GrpcForwardedCall call(target_, context, MakeGrpcPeerEntry(token_, context.peer()));
  const bool started = co_await call.Start();
  static_cast<void>(started);  // where it has not, nothing else is done, and the status says why
  std::vector<Task<>> both;
  both.push_back(PumpRequests(context, call, stream));
  both.push_back(PumpResponses(call, stream));
  const size_t first = co_await WhenAny(std::move(both));
  static_cast<void>(first);
  const bool finished = co_await call.Finish();
  static_cast<void>(finished);  // always
  co_return call.TakeStatus();
}

}  // namespace udsrpc

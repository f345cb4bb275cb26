#include "client/src/grpc_unary_call.h"

#include <grpcpp/support/async_unary_call.h>

#include <cstddef>

#include "client/src/grpc_call_queue.h"
#include "common/src/call_errors.h"
#include "common/src/grpc_message.h"

namespace udsrpc {

absl::Status GrpcUnaryCall::Run(const google::protobuf::MessageLite& request, google::protobuf::MessageLite& response) {
  if (absl::Status status = Prepare(); !status.ok()) return status;
  grpc::ByteBuffer sent;
  if (!SerializeToGrpc(request, sent)) return UnserializableMessageError(method_.path);
  grpc::ByteBuffer reply;
  absl::Status status = Exchange(sent, reply);
  return status.ok() ? Parse(reply, response) : status;
}

absl::Status GrpcUnaryCall::Exchange(const grpc::ByteBuffer& request, grpc::ByteBuffer& reply) {
  GrpcCallQueue& queue = GrpcCallQueue::OfThisThread();
  grpc::Status status;
  ActiveCall::Attach(context_);
  const auto reader = link_->stub().PrepareUnaryCall(&grpc_context_, method_.path, request, queue.get());
  ActiveCall::Sizes(context_).OnSent(request.Length());
  reader->StartCall();
  reader->Finish(&reply, &status, nullptr);
  queue.Await();
  return End(status);
}

absl::Status GrpcUnaryCall::Parse(grpc::ByteBuffer& reply, google::protobuf::MessageLite& response) {
  if (!reply.Valid()) return MissingReplyError(method_.path, settings_.endpoint);
  const size_t bytes = reply.Length();
  if (!ParseFromGrpc(reply, response)) return MalformedMessageError(method_.path, "the reply", response);
  ActiveCall::Sizes(context_).OnReceived(bytes);
  return absl::OkStatus();
}

}  // namespace udsrpc

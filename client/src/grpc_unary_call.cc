#include "client/src/grpc_unary_call.h"

#include <grpcpp/support/async_unary_call.h>

#include "absl/strings/str_cat.h"
#include "client/src/grpc_call_queue.h"
#include "common/src/grpc_message.h"

namespace udsrpc {

absl::Status GrpcUnaryCall::Run(const google::protobuf::MessageLite& request, google::protobuf::MessageLite& response) {
  if (absl::Status status = Prepare(); !status.ok()) return status;
  grpc::ByteBuffer sent;
  if (!SerializeToGrpc(request, sent)) {
    return absl::InternalError(
        absl::StrCat(method_.path, ": the request is larger than Protobuf's 2 GiB; send it in parts"));
  }
  grpc::ByteBuffer reply;
  absl::Status status = Exchange(sent, reply);
  return status.ok() ? Parse(reply, response) : status;
}

absl::Status GrpcUnaryCall::Exchange(const grpc::ByteBuffer& request, grpc::ByteBuffer& reply) {
  GrpcCallQueue& queue = GrpcCallQueue::OfThisThread();
  grpc::Status status;
  Attach();
  const auto reader = link_->stub.PrepareUnaryCall(&grpc_context_, method_.path, request, queue.get());
  reader->StartCall();
  reader->Finish(&reply, &status, nullptr);
  queue.Await();
  return End(status);
}

absl::Status GrpcUnaryCall::Parse(grpc::ByteBuffer& reply, google::protobuf::MessageLite& response) const {
  if (!reply.Valid()) {
    return absl::UnimplementedError(absl::StrCat(method_.path, ": ", settings_.endpoint,
                                                 " said OK without a reply; is the method a unary one there?"));
  }
  if (!ParseFromGrpc(reply, response)) {
    return absl::InternalError(absl::StrCat(method_.path, ": the reply's bytes are no ", response.GetTypeName(),
                                            "; do both sides use the same .proto?"));
  }
  return absl::OkStatus();
}

}  // namespace udsrpc

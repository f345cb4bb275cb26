#ifndef UDSRPC_CLIENT_GRPC_UNARY_CALL_H_
#define UDSRPC_CLIENT_GRPC_UNARY_CALL_H_

#include <grpcpp/support/byte_buffer.h>

#include "absl/status/status.h"
#include "client/src/grpc_call.h"
#include "google/protobuf/message_lite.h"

namespace udsrpc {

// A blocking unary call over gRPC, driven by the thread that makes it. Lives on that thread's stack.
class GrpcUnaryCall final : public GrpcCall {
 public:
  GrpcUnaryCall(const Settings& settings, const MethodDescriptor& method, ClientContext& context)
      : GrpcCall(settings, method, context) {}

  // Once. `response` is unspecified unless OK is returned.
  absl::Status Run(const google::protobuf::MessageLite& request, google::protobuf::MessageLite& response);

 private:
  // Sends `request`, blocks until the call has ended and leaves what came in `reply`.
  absl::Status Exchange(const grpc::ByteBuffer& request, grpc::ByteBuffer& reply);
  absl::Status Parse(grpc::ByteBuffer& reply, google::protobuf::MessageLite& response);
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_UNARY_CALL_H_

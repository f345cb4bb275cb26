#ifndef UDSRPC_CLIENT_GRPC_UNARY_CALL_H_
#define UDSRPC_CLIENT_GRPC_UNARY_CALL_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/src/active_call.h"
#include "client/src/grpc_channel.h"
#include "common/src/grpc_metadata.h"
#include "google/protobuf/message_lite.h"
#include "udsrpc/client_context.h"
#include "udsrpc/method.h"

namespace udsrpc {

// A blocking unary call over gRPC, driven by the thread that makes it. Lives on that thread's stack.
class GrpcUnaryCall final : public ActiveCall {
 public:
  // What is referred to must outlive the call.
  struct Settings {
    const MethodDescriptor& method;
    absl::string_view endpoint;  // for messages
    size_t max_metadata_bytes;
  };

  GrpcUnaryCall(const Settings& settings, ClientContext& context)
      : method_(settings.method),
        endpoint_(settings.endpoint),
        max_metadata_bytes_(settings.max_metadata_bytes),
        context_(context),
        deadline_(context.deadline()) {}

  // Once. `response` is unspecified unless OK is returned.
  absl::Status Run(GrpcChannel& channel, const google::protobuf::MessageLite& request,
                   google::protobuf::MessageLite& response);

 protected:
  void OnCancel() override;

 private:
  // Sends `request`, blocks until the call has ended and leaves what came in `reply`.
  grpc::Status Exchange(GrpcChannel& channel, const grpc::ByteBuffer& request, grpc::ByteBuffer& reply);
  // Fills in the context's results.
  absl::Status TakeMetadata(const GrpcMetadata& initial, const GrpcMetadata& trailing);
  absl::Status Parse(grpc::ByteBuffer& reply, google::protobuf::MessageLite& response) const;
  // A failure that the library made, in words that name the endpoint; one that the server sent, as it is.
  absl::Status Explain(absl::Status status, GrpcChannel& channel) const;
  // Whether nothing came with `status` that only a server sends.
  bool MayBeMadeHere(const absl::Status& status) const;

  const MethodDescriptor& method_;
  const absl::string_view endpoint_;
  const size_t max_metadata_bytes_;
  ClientContext& context_;
  const absl::Time deadline_;
  std::shared_ptr<GrpcChannel::Link> link_;
  grpc::ClientContext grpc_context_;
  bool cancelled_ = false;  // guarded by the context's lock while the call is attached to it
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_UNARY_CALL_H_

#ifndef UDSRPC_CLIENT_GRPC_ASYNC_UNARY_CALL_H_
#define UDSRPC_CLIENT_GRPC_ASYNC_UNARY_CALL_H_

#include <memory>

#include "client/src/grpc_async_call.h"
#include "google/protobuf/message_lite.h"
#include "udsrpc/async_call.h"

namespace udsrpc {

// An asynchronous unary call over gRPC.
class GrpcAsyncUnaryCall final : public AsyncUnaryCall {
 public:
  GrpcAsyncUnaryCall(const GrpcAsyncCall::Transport& transport, const MethodDescriptor& method, ClientContext& context,
                     const google::protobuf::MessageLite& request, google::protobuf::MessageLite& response);
  ~GrpcAsyncUnaryCall() override;

 private:
  class Exchange;

  void StartCall(Done done) override;

  const google::protobuf::MessageLite& request_;
  const std::shared_ptr<Exchange> exchange_;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_ASYNC_UNARY_CALL_H_

#ifndef UDSRPC_CLIENT_GRPC_ASYNC_STREAM_H_
#define UDSRPC_CLIENT_GRPC_ASYNC_STREAM_H_

#include <memory>
#include <optional>
#include <vector>

#include "client/src/grpc_async_call.h"
#include "google/protobuf/message_lite.h"
#include "udsrpc/async_call.h"

namespace udsrpc {

// An asynchronous streaming call over gRPC.
class GrpcAsyncStream final : public AsyncClientStream {
 public:
  // Begins the call. `request` is sent, with the half-close, where it is not null; it is not kept.
  GrpcAsyncStream(const GrpcAsyncCall::Transport& transport, const MethodDescriptor& method, ClientContext& context,
                  const google::protobuf::MessageLite* request);
  ~GrpcAsyncStream() override;

  std::optional<bool> Read(google::protobuf::MessageLite& message, Done done) override;
  std::optional<bool> Write(const google::protobuf::MessageLite& message, bool last, Done done) override;
  void AttachFds(std::vector<UniqueFd> fds) override;
  std::vector<UniqueFd> TakeFds() override { return {}; }
  std::optional<bool> WritesDone(Done done) override;
  std::optional<bool> WaitForInitialMetadata(Done done) override;
  void Forget(Outstanding outstanding) override;

 private:
  class Exchange;

  std::optional<absl::Status> FinishCall(StatusDone done) override;

  const std::shared_ptr<Exchange> exchange_;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_ASYNC_STREAM_H_

#ifndef UDSRPC_CLIENT_INTERCEPTED_CALL_H_
#define UDSRPC_CLIENT_INTERCEPTED_CALL_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "udsrpc/client_context.h"
#include "udsrpc/client_interceptor.h"
#include "udsrpc/client_stream.h"
#include "udsrpc/method.h"

namespace udsrpc {

// The interceptors of one call, the first of the channel's list outermost: it sees the start first and the end last.
class InterceptedCall {
 public:
  InterceptedCall(const std::vector<ClientInterceptorFactory>& factories, const MethodDescriptor& method,
                  ClientContext& context);

  // Once, first. The status is that of the interceptor that refuses the call; then Finish is still to be called.
  absl::Status Start();
  void Send(const google::protobuf::MessageLite& message);
  void Receive(const google::protobuf::MessageLite& message);
  // Once, last.
  void Finish(const absl::Status& status);

 private:
  ClientContext& context_;
  std::vector<std::unique_ptr<ClientInterceptor>> interceptors_;
};

// A stream as interceptors see it.
class InterceptedStream final : public ClientStream {
 public:
  InterceptedStream(std::unique_ptr<InterceptedCall> call, std::unique_ptr<ClientStream> stream);
  ~InterceptedStream() override;

  bool Read(google::protobuf::MessageLite& message) override;
  bool Write(const google::protobuf::MessageLite& message, bool last) override;
  void AttachFds(std::vector<UniqueFd> fds) override { stream_->AttachFds(std::move(fds)); }
  std::vector<UniqueFd> TakeFds() override { return stream_->TakeFds(); }
  bool WritesDone() override { return stream_->WritesDone(); }
  void WaitForInitialMetadata() override { stream_->WaitForInitialMetadata(); }

 private:
  absl::Status FinishCall() override;

  std::unique_ptr<InterceptedCall> call_;  // null once it has finished
  std::unique_ptr<ClientStream> stream_;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_INTERCEPTED_CALL_H_

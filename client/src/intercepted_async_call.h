#ifndef UDSRPC_CLIENT_INTERCEPTED_ASYNC_CALL_H_
#define UDSRPC_CLIENT_INTERCEPTED_ASYNC_CALL_H_

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "client/src/intercepted_call.h"
#include "udsrpc/async_call.h"

namespace udsrpc {

// An asynchronous unary call as interceptors see it.
class InterceptedAsyncUnaryCall final : public AsyncUnaryCall {
 public:
  // `interceptors` have been started.
  InterceptedAsyncUnaryCall(std::unique_ptr<InterceptedCall> interceptors, std::unique_ptr<AsyncUnaryCall> call,
                            const google::protobuf::MessageLite& response)
      : interceptors_(std::move(interceptors)), call_(std::move(call)), response_(response) {}
  ~InterceptedAsyncUnaryCall() override;

 private:
  void StartCall(Done done) override;

  std::unique_ptr<InterceptedCall> interceptors_;  // null once they have been finished
  std::unique_ptr<AsyncUnaryCall> call_;
  const google::protobuf::MessageLite& response_;
  Done done_;
};

// A stream likewise.
class InterceptedAsyncStream final : public AsyncClientStream {
 public:
  InterceptedAsyncStream(std::unique_ptr<InterceptedCall> interceptors, std::unique_ptr<AsyncClientStream> stream)
      : interceptors_(std::move(interceptors)), stream_(std::move(stream)) {}
  ~InterceptedAsyncStream() override;

  std::optional<bool> Read(google::protobuf::MessageLite& message, Done done) override;
  std::optional<bool> Write(const google::protobuf::MessageLite& message, bool last, Done done) override;
  void AttachFds(std::vector<UniqueFd> fds) override { stream_->AttachFds(std::move(fds)); }
  std::vector<UniqueFd> TakeFds() override { return stream_->TakeFds(); }
  std::optional<bool> WritesDone(Done done) override { return stream_->WritesDone(std::move(done)); }
  std::optional<bool> WaitForInitialMetadata(Done done) override {
    return stream_->WaitForInitialMetadata(std::move(done));
  }
  void Forget(Outstanding outstanding) override { stream_->Forget(outstanding); }

 private:
  std::optional<absl::Status> FinishCall(StatusDone done) override;
  void FinishInterceptors(const absl::Status& status);

  std::unique_ptr<InterceptedCall> interceptors_;  // null once they have been finished
  std::unique_ptr<AsyncClientStream> stream_;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_INTERCEPTED_ASYNC_CALL_H_

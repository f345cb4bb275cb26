#include "server/src/intercepted_call.h"

#include <optional>
#include <utility>
#include <vector>

namespace udsrpc {

InterceptedServerCall::InterceptedServerCall(const std::vector<ServerInterceptorFactory>& factories,
                                             const ServerMethod& method, ServerCall& call)
    : call_(call) {
  const MethodDescriptor descriptor{.path = method.path().c_str(), .kind = method.kind()};
  interceptors_->all.reserve(factories.size());
  for (const ServerInterceptorFactory& factory : factories) {
    if (std::unique_ptr<ServerInterceptor> made = factory(descriptor); made != nullptr) {
      interceptors_->all.push_back(std::move(made));
    }
  }
}

absl::Status InterceptedServerCall::Start() {
  for (size_t i = 0; i < interceptors_->all.size(); ++i) {
    absl::Status status = interceptors_->all[i]->OnStart(context(), client_metadata());
    if (status.ok()) continue;
    interceptors_->all.resize(i + 1);
    return status;
  }
  return absl::OkStatus();
}

bool InterceptedServerCall::ParseRequest(google::protobuf::MessageLite& request) {
  const bool parsed = call_.ParseRequest(request);
  if (parsed) interceptors_->Received(request);
  return parsed;
}

bool InterceptedServerCall::Read(google::protobuf::MessageLite& message) {
  const bool read = call_.stream().Read(message);
  if (read) interceptors_->Received(message);
  return read;
}

bool InterceptedServerCall::Write(const google::protobuf::MessageLite& message) {
  interceptors_->Sending(message);
  return call_.stream().Write(message);
}

void InterceptedServerCall::Finish(const absl::Status& status, const google::protobuf::MessageLite* response) {
  if (response != nullptr) interceptors_->Sending(*response);
  interceptors_->EndMessages();
  const auto& all = interceptors_->all;
  for (auto i = all.rbegin(); i != all.rend(); ++i) (*i)->OnFinish(context(), status);
  call_.Finish(status, response);
}

void InterceptedServerCall::Interceptors::Received(const google::protobuf::MessageLite& message) {
  for (const auto& interceptor : all) interceptor->OnReceive(message);
}

void InterceptedServerCall::Interceptors::Sending(const google::protobuf::MessageLite& message) {
  for (auto i = all.rbegin(); i != all.rend(); ++i) (*i)->OnSend(message);
}

void InterceptedServerCall::Interceptors::ReceivedInTime(const google::protobuf::MessageLite& message) {
  internal::MutexLock lock(mutex);
  if (!finished) Received(message);
}

void InterceptedServerCall::Interceptors::SendingInTime(const google::protobuf::MessageLite& message) {
  internal::MutexLock lock(mutex);
  if (!finished) Sending(message);
}

void InterceptedServerCall::Interceptors::EndMessages() {
  internal::MutexLock lock(mutex);
  finished = true;
}

// The stream of a coroutine as interceptors see it.
class InterceptedServerCall::AsyncStream final : public AsyncServerStream {
 public:
  AsyncStream(std::shared_ptr<Interceptors> interceptors, std::shared_ptr<AsyncServerStream> stream)
      : interceptors_(std::move(interceptors)), stream_(std::move(stream)) {}

  std::optional<bool> Read(google::protobuf::MessageLite& message, const Cancellation* stop, Done done) override {
    const std::optional<bool> result =
        stream_->Read(message, stop, [this, &message, done = std::move(done)](bool read) mutable {
          if (read) interceptors_->ReceivedInTime(message);
          std::move(done)(read);
        });
    if (result.value_or(false)) interceptors_->ReceivedInTime(message);
    return result;
  }
  void StopRead() override { stream_->StopRead(); }
  std::optional<bool> Write(const google::protobuf::MessageLite& message, Done done) override {
    interceptors_->SendingInTime(message);
    return stream_->Write(message, std::move(done));
  }
  void AttachFds(std::vector<UniqueFd> fds) override { stream_->AttachFds(std::move(fds)); }
  std::vector<UniqueFd> TakeFds() override { return stream_->TakeFds(); }
  void SendInitialMetadata() override { stream_->SendInitialMetadata(); }
  void Forget(Outstanding outstanding) override { stream_->Forget(outstanding); }

 private:
  const std::shared_ptr<Interceptors> interceptors_;
  const std::shared_ptr<AsyncServerStream> stream_;
};

std::shared_ptr<AsyncServerStream> InterceptedServerCall::async_stream() {
  return std::make_shared<AsyncStream>(interceptors_, call_.async_stream());
}

}  // namespace udsrpc

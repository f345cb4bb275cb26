#include "server/src/intercepted_call.h"

#include <utility>

namespace udsrpc {

InterceptedServerCall::InterceptedServerCall(const std::vector<ServerInterceptorFactory>& factories,
                                             const ServerMethod& method, ServerCall& call)
    : call_(call) {
  const MethodDescriptor descriptor{.path = method.path().c_str(), .kind = method.kind()};
  interceptors_.reserve(factories.size());
  for (const ServerInterceptorFactory& factory : factories) {
    if (std::unique_ptr<ServerInterceptor> made = factory(descriptor); made != nullptr) {
      interceptors_.push_back(std::move(made));
    }
  }
}

absl::Status InterceptedServerCall::Start() {
  for (size_t i = 0; i < interceptors_.size(); ++i) {
    absl::Status status = interceptors_[i]->OnStart(context(), client_metadata());
    if (status.ok()) continue;
    interceptors_.resize(i + 1);
    return status;
  }
  return absl::OkStatus();
}

bool InterceptedServerCall::ParseRequest(google::protobuf::MessageLite& request) {
  const bool parsed = call_.ParseRequest(request);
  if (parsed) Received(request);
  return parsed;
}

bool InterceptedServerCall::Read(google::protobuf::MessageLite& message) {
  const bool read = call_.stream().Read(message);
  if (read) Received(message);
  return read;
}

bool InterceptedServerCall::Write(const google::protobuf::MessageLite& message) {
  Sending(message);
  return call_.stream().Write(message);
}

void InterceptedServerCall::Finish(const absl::Status& status, const google::protobuf::MessageLite* response) {
  if (response != nullptr) Sending(*response);
  for (auto i = interceptors_.rbegin(); i != interceptors_.rend(); ++i) (*i)->OnFinish(context(), status);
  call_.Finish(status, response);
}

void InterceptedServerCall::Received(const google::protobuf::MessageLite& message) {
  for (const auto& interceptor : interceptors_) interceptor->OnReceive(message);
}

void InterceptedServerCall::Sending(const google::protobuf::MessageLite& message) {
  for (auto i = interceptors_.rbegin(); i != interceptors_.rend(); ++i) (*i)->OnSend(message);
}

}  // namespace udsrpc

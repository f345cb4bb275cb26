#include "client/src/intercepted_call.h"

#include <utility>

#include "client/src/active_call.h"

namespace udsrpc {

InterceptedCall::InterceptedCall(const std::vector<ClientInterceptorFactory>& factories, const MethodDescriptor& method,
                                 ClientContext& context)
    : context_(context) {
  interceptors_.reserve(factories.size());
  for (const ClientInterceptorFactory& factory : factories) {
    if (std::unique_ptr<ClientInterceptor> made = factory(method); made != nullptr) {
      interceptors_.push_back(std::move(made));
    }
  }
}

absl::Status InterceptedCall::Start() {
  for (size_t i = 0; i < interceptors_.size(); ++i) {
    absl::Status status = interceptors_[i]->OnStart(context_, ActiveCall::SentMetadata(context_));
    if (status.ok()) continue;
    interceptors_.resize(i + 1);
    return status;
  }
  return absl::OkStatus();
}

void InterceptedCall::Send(const google::protobuf::MessageLite& message) {
  for (const auto& interceptor : interceptors_) interceptor->OnSend(message);
}

void InterceptedCall::Receive(const google::protobuf::MessageLite& message) {
  for (auto i = interceptors_.rbegin(); i != interceptors_.rend(); ++i) (*i)->OnReceive(message);
}

void InterceptedCall::Finish(const absl::Status& status) {
  for (auto i = interceptors_.rbegin(); i != interceptors_.rend(); ++i) (*i)->OnFinish(context_, status);
}

InterceptedStream::InterceptedStream(std::unique_ptr<InterceptedCall> call, std::unique_ptr<ClientStream> stream)
    : call_(std::move(call)), stream_(std::move(stream)) {}

InterceptedStream::~InterceptedStream() {
  stream_.reset();
  if (call_ != nullptr) call_->Finish(absl::CancelledError("the stream was destroyed before Finish"));
}

bool InterceptedStream::Read(google::protobuf::MessageLite& message) {
  const bool read = stream_->Read(message);
  if (read) call_->Receive(message);
  return read;
}

bool InterceptedStream::Write(const google::protobuf::MessageLite& message, bool last) {
  call_->Send(message);
  return stream_->Write(message, last);
}

absl::Status InterceptedStream::FinishCall() {
  absl::Status status = stream_->Finish();
  if (const std::unique_ptr<InterceptedCall> call = std::move(call_); call != nullptr) call->Finish(status);
  return status;
}

}  // namespace udsrpc

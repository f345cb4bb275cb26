#include "client/src/intercepted_async_call.h"

namespace udsrpc {

InterceptedAsyncUnaryCall::~InterceptedAsyncUnaryCall() {
  call_.reset();
  if (interceptors_ != nullptr) interceptors_->Finish(absl::CancelledError("the call's object was destroyed"));
}

void InterceptedAsyncUnaryCall::StartCall(Done done) {
  done_ = std::move(done);
  try {
    call_->Start([this](absl::Status status) {
      if (status.ok()) interceptors_->Receive(response_);
      interceptors_->Finish(status);
      interceptors_.reset();
      Done done = std::move(done_);
      std::move(done)(std::move(status));
    });
  } catch (...) {
    const Done unwanted = std::move(done_);  // it may own the call
    throw;
  }
}

InterceptedAsyncStream::~InterceptedAsyncStream() {
  stream_.reset();
  if (interceptors_ != nullptr) interceptors_->Finish(absl::CancelledError("the stream was destroyed before Finish"));
}

std::optional<bool> InterceptedAsyncStream::Read(google::protobuf::MessageLite& message, Done done) {
  const std::optional<bool> result =
      stream_->Read(message, [this, &message, done = std::move(done)](bool read) mutable {
        if (read && interceptors_ != nullptr) interceptors_->Receive(message);
        std::move(done)(read);
      });
  if (result.value_or(false) && interceptors_ != nullptr) interceptors_->Receive(message);
  return result;
}

std::optional<bool> InterceptedAsyncStream::Write(const google::protobuf::MessageLite& message, bool last, Done done) {
  if (interceptors_ != nullptr) interceptors_->Send(message);
  return stream_->Write(message, last, std::move(done));
}

std::optional<absl::Status> InterceptedAsyncStream::FinishCall(StatusDone done) {
  std::optional<absl::Status> result = stream_->Finish([this, done = std::move(done)](absl::Status status) mutable {
    FinishInterceptors(status);
    std::move(done)(std::move(status));
  });
  if (result) FinishInterceptors(*result);
  return result;
}

void InterceptedAsyncStream::FinishInterceptors(const absl::Status& status) {
  if (const std::unique_ptr<InterceptedCall> ended = std::move(interceptors_); ended != nullptr) ended->Finish(status);
}

}  // namespace udsrpc

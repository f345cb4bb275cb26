#include "client/src/grpc_async_call.h"

#include <utility>

#include "absl/time/clock.h"

namespace udsrpc {

void GrpcAsyncCall::Begin(absl::Status refusal) {
  internal::MutexLock lock(mutex_);
  ActiveCall::Attach(context_);
  try {
    queue_.get();  // so that it does not throw later, in the start queue's thread
    BeginAttached(std::move(refusal));
  } catch (...) {  // there is no thread to be had, and the call is destroyed, perhaps before this has returned
    over_ = true;
    Detach(context_);
    throw;
  }
}

void GrpcAsyncCall::BeginAttached(absl::Status refusal) {
  if (refusal.ok()) refusal = CheckDeadline();
  if (!refusal.ok()) return starts_.Post(*this, std::move(refusal));
  // As GrpcCall::Prepare.
  const bool waits = context_.wait_for_ready() || settings_.channel.must_connect();
  if ((waits && !settings_.channel.IsReady()) || !ChooseLink().ok()) return AwaitStart();
  FillContext();
  Launch();
}

void GrpcAsyncCall::AwaitStart() {
  const absl::Duration left = deadline() - absl::Now();
  starts_.Add(*this, Deadline::After(left, Deadline::Clock::now()), context_.wait_for_ready());
}

void GrpcAsyncCall::OnStart(absl::Status status) {
  mutex_.Lock();
  if (abandoned_) return mutex_.Unlock();
  if (status.ok()) {
    status = ChooseLink();
    if (!status.ok() && context_.wait_for_ready()) {
      AwaitStart();
      return mutex_.Unlock();
    }
  }
  if (!status.ok()) {
    over_ = true;
    Detach(context_);
    return FailStart(std::move(status));
  }
  FillContext();
  Launch();
  mutex_.Unlock();
}

void GrpcAsyncCall::OnCancel() {
  GrpcCall::OnCancel();
  starts_.Cancel(*this);
}

void GrpcAsyncCall::Abandon() {
  {
    internal::MutexLock lock(mutex_);
    abandoned_ = true;
    turn_.AwaitOthers(mutex_);
    if (over_) return;
    over_ = true;
    Detach(context_);
    grpc_context_.TryCancel();
  }
  starts_.Remove(*this);
}

}  // namespace udsrpc

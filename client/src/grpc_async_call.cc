#include "client/src/grpc_async_call.h"

#include <utility>

#include "absl/time/clock.h"

namespace udsrpc {

void GrpcAsyncCall::Begin(absl::Status refusal) {
  internal::MutexLock lock(mutex_);
  ActiveCall::Attach(context_);
  if (refusal.ok()) refusal = CheckDeadline();
  if (!refusal.ok()) return starts_.Post(*this, std::move(refusal));
  if ((context_.wait_for_ready() || settings_.channel.must_connect()) && !settings_.channel.IsReady()) {
    // As GrpcCall::Prepare.
    const absl::Duration left = deadline() - absl::Now();
    return starts_.Add(*this, Deadline::After(left, Deadline::Clock::now()), context_.wait_for_ready());
  }
  FillContext();
  if (absl::Status status = ChooseLink(); !status.ok()) return starts_.Post(*this, std::move(status));
  Launch();
}

void GrpcAsyncCall::OnStart(absl::Status status) {
  mutex_.Lock();
  if (abandoned_) return mutex_.Unlock();
  if (status.ok()) {
    status = ChooseLink();
    if (!status.ok() && context_.wait_for_ready()) {
      starts_.Add(*this, Deadline::After(deadline() - absl::Now(), Deadline::Clock::now()), /*wait_for_ready=*/true);
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

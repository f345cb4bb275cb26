#include "client/src/active_call.h"

#include <chrono>

#include "absl/status/status.h"
#include "absl/time/clock.h"

namespace udsrpc {

absl::Status ActiveCall::Claim(ClientContext& context) {
  internal::MutexLock lock(context.mutex_);
  if (context.used_) {
    return absl::FailedPreconditionError("this ClientContext has served a call already; make a new one for each call");
  }
  context.used_ = true;
  context.started_ = std::chrono::steady_clock::now();
  if (context.cancelled_) return absl::CancelledError("the call was cancelled before it started");
  return absl::OkStatus();
}

Deadline ActiveCall::DeadlineOf(const ClientContext& context) {
  const bool has_parent = context.parent_ != nullptr;
  if (!has_parent && context.timeout_ != absl::InfiniteDuration()) {
    return Deadline::After(context.timeout_, context.started_);
  }
  if (!has_parent && context.deadline_ == absl::InfiniteFuture()) return Deadline();
  const absl::Time at = context.deadline();
  if (at == absl::InfiniteFuture()) return Deadline();
  const absl::Duration left = at - absl::Now();
  return Deadline::After(left, left > absl::ZeroDuration() ? Deadline::Clock::now() : context.started_);
}

void ActiveCall::Attach(ClientContext& context) {
  internal::MutexLock lock(context.mutex_);
  context.active_ = this;
  if (context.cancelled_) OnCancel();
}

void ActiveCall::Detach(ClientContext& context) {
  internal::MutexLock lock(context.mutex_);
  context.active_ = nullptr;
}

}  // namespace udsrpc

#include "client/src/active_call.h"

#include <chrono>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "common/src/stats/tick_clock.h"

namespace udsrpc {

absl::Status ActiveCall::Claim(ClientContext& context) {
  const uintptr_t before = context.state_.fetch_or(kUsed, std::memory_order_relaxed);
  if ((before & kUsed) != 0) {
    return absl::FailedPreconditionError("this ClientContext has served a call already; make a new one for each call");
  }
  context.started_ = TickClock::Now();
  context.InheritTrace();
  if ((before & kCancelled) != 0) return absl::CancelledError("the call was cancelled before it started");
  return absl::OkStatus();
}

std::optional<Deadline> ActiveCall::DeadlineOf(const ClientContext& context) {
  const bool has_parent = context.parent_ != nullptr;
  if (!has_parent && context.timeout_ != absl::InfiniteDuration()) {
    if (context.timeout_ <= absl::ZeroDuration()) return std::nullopt;
    const std::chrono::nanoseconds since(TickClock::Nanoseconds(context.started_, TickClock::Now()));
    return Deadline::After(context.timeout_, Deadline::Clock::now() - since);
  }
  if (!has_parent && context.deadline_ == absl::InfiniteFuture()) return Deadline();
  const absl::Time at = context.deadline();
  if (at == absl::InfiniteFuture()) return Deadline();
  const absl::Duration left = at - absl::Now();
  if (left <= absl::ZeroDuration()) return std::nullopt;
  return Deadline::After(left, Deadline::Clock::now());
}

void ActiveCall::Attach(ClientContext& context) {
  const uintptr_t before = context.state_.fetch_or(reinterpret_cast<uintptr_t>(this), std::memory_order_acq_rel);
  if ((before & kCancelled) != 0) OnCancel();
}

void ActiveCall::Detach(ClientContext& context) {
  const uintptr_t before = context.state_.fetch_and(kFlags, std::memory_order_acq_rel);
  if ((before & kCancelling) != 0) internal::MutexLock await(context.cancelling_);
}

void ActiveCall::Cancel(ClientContext& context) {
  if (context.process_.elsewhere()) return;
  internal::MutexLock lock(context.cancelling_);
  const uintptr_t before = context.state_.fetch_or(kCancelled | kCancelling, std::memory_order_acq_rel);
  if ((before & kCancelled) == 0 && (before & ~kFlags) != 0) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): a pointer beside two flags
    reinterpret_cast<ActiveCall*>(before & ~kFlags)->OnCancel();
  }
  context.state_.fetch_and(~kCancelling, std::memory_order_acq_rel);
}

bool ActiveCall::IsActive(const ClientContext& context) {
  return (context.state_.load(std::memory_order_acquire) & ~kFlags) != 0;
}

}  // namespace udsrpc

#include "udsrpc/wait.h"

#include "common/src/deadline.h"
#include "common/src/fatal.h"
#include "common/src/timer_thread.h"

namespace udsrpc {

void internal::AwaitedNoTask() { Fatal("co_await of a Task", "it is empty, or was moved from"); }

bool Sleep::Begin(std::coroutine_handle<> coroutine, Cancellation* cancellation) {
  if (cancellation != nullptr && cancellation->cancelled()) {
    slept_ = false;
    return false;
  }
  if (duration_ <= absl::ZeroDuration()) return false;
  coroutine_ = coroutine;
  cancellation_ = cancellation;
  if (cancellation_ != nullptr) subscription_ = cancellation_->Subscribe([this] { End(false); });
  const Deadline deadline = Deadline::After(duration_, Deadline::Clock::now());
  if (!deadline.never()) timer_ = TimerThread::Get().Add(deadline.at(), [this] { End(true); });
  return !met_.exchange(true, std::memory_order_acq_rel);
}

void Sleep::End(bool slept) {
  if (ended_.exchange(true, std::memory_order_acq_rel)) return;
  slept_ = slept;
  if (met_.exchange(true, std::memory_order_acq_rel)) coroutine_.resume();
}

void Sleep::Leave() {
  if (cancellation_ != nullptr) std::exchange(cancellation_, nullptr)->Unsubscribe(subscription_);
  if (timer_.second != 0) TimerThread::Get().Remove(std::exchange(timer_, {}));
}

bool Cancelled::Begin(std::coroutine_handle<> coroutine, Cancellation* cancellation) {
  if (cancellation == nullptr) {
    Fatal("co_await Cancelled()", "the coroutine is one that nothing cancels; give Spawn a Cancellation");
  }
  cancellation_ = cancellation;
  subscription_ = cancellation->Subscribe([this, coroutine] {
    if (met_.exchange(true, std::memory_order_acq_rel)) coroutine.resume();
  });
  return !met_.exchange(true, std::memory_order_acq_rel);
}

void Cancelled::Leave() {
  if (cancellation_ != nullptr) std::exchange(cancellation_, nullptr)->Unsubscribe(subscription_);
}

}  // namespace udsrpc

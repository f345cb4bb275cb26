#ifndef UDSRPC_WAIT_H_
#define UDSRPC_WAIT_H_

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <utility>

#include "absl/time/time.h"
#include "udsrpc/cancellation.h"
#include "udsrpc/internal/task_promise.h"

// What a coroutine waits for beside calls: time, and its cancellation. A coroutine that is destroyed while it waits
// waits no more, provided that nothing ends the wait at that moment.

namespace udsrpc {

// co_await Sleep(duration) gives true when so much time has passed by the steady clock, or false when the coroutine was
// cancelled before (see task.h). The coroutine goes on by the program's timer thread, which wakes all that sleep and so
// must not be blocked, or by the thread that cancels; at once, where no time is to pass. That thread is started by the
// first sleep of the program, and stays.
class [[nodiscard]] Sleep {
 public:
  // InfiniteDuration: until the coroutine is cancelled.
  explicit Sleep(absl::Duration duration) : duration_(duration) {}
  ~Sleep() { Leave(); }
  Sleep(const Sleep&) = delete;
  Sleep& operator=(const Sleep&) = delete;

  bool await_ready() const noexcept { return duration_ <= absl::ZeroDuration(); }
  template <typename Promise>
  bool await_suspend(std::coroutine_handle<Promise> coroutine) {
    return Begin(coroutine, internal::CancellationOf(coroutine));
  }
  bool await_resume() {
    Leave();
    return slept_;
  }

 private:
  bool Begin(std::coroutine_handle<> coroutine, Cancellation* cancellation);
  void End(bool slept);
  void Leave();

  const absl::Duration duration_;
  std::coroutine_handle<> coroutine_;
  bool slept_ = true;
  std::atomic<bool> ended_{false};
  std::atomic<bool> met_{false};  // by the beginning and the end, whichever comes first
  Cancellation* cancellation_ = nullptr;
  Cancellation::Subscription subscription_ = 0;
  std::pair<std::chrono::steady_clock::time_point, uint64_t> timer_;  // number 0: none
};

// co_await Cancelled() returns when the coroutine is cancelled, by the thread that does it; at once where it has been. In
// a coroutine that nothing cancels it ends the program with a message, as it would wait for ever.
class [[nodiscard]] Cancelled {
 public:
  Cancelled() = default;
  ~Cancelled() { Leave(); }
  Cancelled(const Cancelled&) = delete;
  Cancelled& operator=(const Cancelled&) = delete;

  bool await_ready() const noexcept { return false; }
  template <typename Promise>
  bool await_suspend(std::coroutine_handle<Promise> coroutine) {
    return Begin(coroutine, internal::CancellationOf(coroutine));
  }
  void await_resume() { Leave(); }

 private:
  bool Begin(std::coroutine_handle<> coroutine, Cancellation* cancellation);
  void Leave();

  std::atomic<bool> met_{false};
  Cancellation* cancellation_ = nullptr;
  Cancellation::Subscription subscription_ = 0;
};

}  // namespace udsrpc

#endif  // UDSRPC_WAIT_H_

#ifndef UDSRPC_WAIT_H_
#define UDSRPC_WAIT_H_

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <utility>

#include "absl/time/time.h"
#include "udsrpc/cancellation.h"
#include "udsrpc/executor.h"
#include "udsrpc/internal/task_promise.h"

// What a coroutine waits for beside calls: time, its cancellation, and another thread. A coroutine that is destroyed
// while it waits waits no more, provided that nothing ends the wait at that moment.

namespace udsrpc {

// co_await Sleep(duration) gives true when so much time has passed by the steady clock, or false when the coroutine was
// cancelled before (see task.h). It goes on by the program's timer thread, which wakes all that sleep and so must not
// be blocked, or by the thread that cancels; at once, where no time is to pass or it was cancelled already. That thread
// is started by the first sleep of the program, and stays; std::system_error where none can be started.
class [[nodiscard]] Sleep {
 public:
  // InfiniteDuration: until the coroutine is cancelled.
  explicit Sleep(absl::Duration duration) : duration_(duration) {}
  ~Sleep() { Leave(); }
  Sleep(const Sleep&) = delete;
  Sleep& operator=(const Sleep&) = delete;

  bool await_ready() const noexcept { return false; }
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

// co_await Cancelled() returns when the coroutine is cancelled, by the thread that does it; at once where it has been.
// In a coroutine that nothing cancels it ends the program with a message, as it would wait for ever.
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

// co_await ResumeOn(executor) has the coroutine go on as a task of the executor: back on the program's own loop behind
// a Sleep, or off a channel's thread before something that takes long. Not cancelled.
class [[nodiscard]] ResumeOn {
 public:
  // Must outlive the wait.
  explicit ResumeOn(const Executor& executor) : executor_(executor) {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> coroutine) const {
    executor_([coroutine] { coroutine.resume(); });
  }
  void await_resume() const noexcept {}

 private:
  const Executor& executor_;
};

}  // namespace udsrpc

#endif  // UDSRPC_WAIT_H_

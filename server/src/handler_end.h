#ifndef UDSRPC_SERVER_HANDLER_END_H_
#define UDSRPC_SERVER_HANDLER_END_H_

#include <coroutine>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "udsrpc/cancellation.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/task.h"

namespace udsrpc {

// What a stream's handler waits for while another coroutine serves the stream: the status that the call is to end with.
// Whoever comes first says it: that coroutine, the call's cancellation, or the server's end. So a client that takes
// nothing, and a coroutine that waits for it, hold nobody up: a stream whose handler has ended lets go of it.
class HandlerEnd {
 public:
  HandlerEnd() = default;
  HandlerEnd(const HandlerEnd&) = delete;
  HandlerEnd& operator=(const HandlerEnd&) = delete;

  // By the handler, once. Ends with CANCELLED where the coroutine is cancelled. This must outlive it.
  Task<absl::Status> Await() {
    Cancellation* const cancellation = co_await CurrentCancellation();
    Cancellation::Subscription subscription = 0;
    if (cancellation != nullptr) {
      subscription = cancellation->Subscribe([this] { Set(absl::CancelledError("the call was cancelled")); });
    }
    co_await Arrival{*this};
    if (cancellation != nullptr) cancellation->Unsubscribe(subscription);
    const internal::MutexLock lock(mutex_);
    co_return *status_;
  }

  // Runs what the handler still has to do. Does nothing the second time. Thread-safe.
  void Set(absl::Status status) {
    std::coroutine_handle<> waiting;
    {
      const internal::MutexLock lock(mutex_);
      if (status_) return;
      status_ = std::move(status);
      waiting = std::exchange(waiting_, nullptr);
    }
    if (waiting != nullptr) waiting.resume();
  }

 private:
  struct Arrival {
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> coroutine) const {
      const internal::MutexLock lock(end.mutex_);
      if (end.status_) return false;
      end.waiting_ = coroutine;
      return true;
    }
    void await_resume() const noexcept {}

    HandlerEnd& end;
  };

  internal::Mutex mutex_;
  std::optional<absl::Status> status_ ABSL_GUARDED_BY(mutex_);
  std::coroutine_handle<> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_HANDLER_END_H_

#ifndef UDSRPC_CANCELLATION_H_
#define UDSRPC_CANCELLATION_H_

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// That something is not wanted any more: said once, and told to all who asked. Thread-safe.
class Cancellation {
 public:
  using Callback = absl::AnyInvocable<void() &&>;
  // Names a callback. 0 names none.
  using Subscription = uint64_t;

  Cancellation() = default;
  // Waits for callbacks that Cancel is running on another thread. A callback may destroy the object; those that follow
  // it are destroyed without running then.
  ~Cancellation();
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }

  // Runs the callbacks, on the calling thread and in the order in which they were added, and with them coroutines that
  // go on because of it: not to be called with a lock that these may want. A second call does nothing, and returns
  // though the first may still be running callbacks. Callbacks must not throw.
  void Cancel();

  // Has `callback` run by Cancel; where that has been, by the calling thread before this returns, which is then 0.
  Subscription Subscribe(Callback callback);
  // The callback will not run any more, and is not running when this returns, unless it is the callback that calls. So
  // this blocks while another thread runs it.
  void Unsubscribe(Subscription subscription);
  // As Unsubscribe, for all.
  void UnsubscribeAll();

 private:
  struct Subscriber {
    Subscription subscription;
    Callback callback;
  };

  std::atomic<bool> cancelled_{false};
  std::atomic<bool> subscribed_{false};  // once, by whomever
  internal::Mutex mutex_;
  internal::CondVar ran_;
  std::vector<Subscriber> subscribers_ ABSL_GUARDED_BY(mutex_);
  Subscription last_ ABSL_GUARDED_BY(mutex_) = 0;
  Subscription running_ ABSL_GUARDED_BY(mutex_) = 0;
  bool* destroyed_ ABSL_GUARDED_BY(mutex_) = nullptr;  // not null while Cancel runs callbacks
  std::thread::id runner_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc

#endif  // UDSRPC_CANCELLATION_H_

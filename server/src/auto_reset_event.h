#ifndef UDSRPC_SERVER_AUTO_RESET_EVENT_H_
#define UDSRPC_SERVER_AUTO_RESET_EVENT_H_

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// Wakes one thread, which needs no lock of those who wake it. Set before it is waited for it is not lost. Thread-safe.
class AutoResetEvent {
 public:
  void Set() {
    internal::MutexLock lock(mutex_);
    set_ = true;
    changed_.Signal();
  }

  // Blocks until it has been set, for `timeout` at most. Whether it was; it is not any more.
  bool Await(absl::Duration timeout) {
    internal::MutexLock lock(mutex_);
    while (!set_) {
      if (changed_.WaitWithTimeout(mutex_, timeout)) break;
    }
    return std::exchange(set_, false);
  }

 private:
  internal::Mutex mutex_;
  internal::CondVar changed_;
  bool set_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_AUTO_RESET_EVENT_H_

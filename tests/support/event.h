#ifndef UDSRPC_TESTS_SUPPORT_EVENT_H_
#define UDSRPC_TESTS_SUPPORT_EVENT_H_

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc::testing {

// How long a test waits for what is to happen.
inline constexpr absl::Duration kPatience = absl::Seconds(20);

// Something that happens, some number of times, and that other threads wait for.
class Event {
 public:
  void Happen() {
    internal::MutexLock lock(mutex_);
    ++times_;
    changed_.SignalAll();
  }

  // Blocks until it has happened `times` times. False: it has not for kPatience.
  bool Await(int times = 1) {
    const absl::Time give_up = absl::Now() + kPatience;
    internal::MutexLock lock(mutex_);
    while (times_ < times) {
      if (changed_.WaitWithDeadline(mutex_, give_up)) return times_ >= times;
    }
    return true;
  }

  int times() const {
    internal::MutexLock lock(mutex_);
    return times_;
  }

 private:
  mutable internal::Mutex mutex_;
  internal::CondVar changed_;
  int times_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_SUPPORT_EVENT_H_

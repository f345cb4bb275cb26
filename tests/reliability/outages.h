#ifndef UDSRPC_TESTS_RELIABILITY_OUTAGES_H_
#define UDSRPC_TESTS_RELIABILITY_OUTAGES_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc::testing {

// When a server is not there, as its callers are to know: whose calls end with UNAVAILABLE then, and who wait for it.
class Outages {
 public:
  // Right before the server is killed, or told to end.
  void Begin() {
    internal::MutexLock lock(mutex_);
    ++changes_;
    began_ = absl::Now();
    changed_.SignalAll();
  }
  // When the next one serves.
  void End() {
    internal::MutexLock lock(mutex_);
    ++changes_;
    changed_.SignalAll();
  }
  // Nobody is to wait any more.
  void Stop() {
    internal::MutexLock lock(mutex_);
    stopped_ = true;
    changed_.SignalAll();
  }

  // How often it has changed: odd during an outage.
  uint64_t changes() const {
    internal::MutexLock lock(mutex_);
    return changes_;
  }
  // Whether one is, or was, since there were so many changes.
  bool Since(uint64_t changes) const { return changes % 2 == 1 || this->changes() != changes; }
  // When the last one began.
  absl::Time began() const {
    internal::MutexLock lock(mutex_);
    return began_;
  }

  // Blocks during an outage. False: stopped.
  bool AwaitEnd() {
    internal::MutexLock lock(mutex_);
    ++waiting_;
    changed_.SignalAll();
    while (changes_ % 2 == 1 && !stopped_) changed_.Wait(mutex_);
    --waiting_;
    return !stopped_;
  }
  // Blocks until one begins. False: stopped.
  bool AwaitBegin() {
    internal::MutexLock lock(mutex_);
    while (changes_ % 2 == 0 && !stopped_) changed_.Wait(mutex_);
    return !stopped_;
  }
  // Blocks until so many wait for the end of this outage. False: they do not within `patience`.
  bool AwaitWaiting(int callers, absl::Duration patience) {
    const absl::Time give_up = absl::Now() + patience;
    internal::MutexLock lock(mutex_);
    while (waiting_ < callers) {
      if (changed_.WaitWithDeadline(mutex_, give_up)) return waiting_ >= callers;
    }
    return true;
  }

 private:
  mutable internal::Mutex mutex_;
  internal::CondVar changed_;
  uint64_t changes_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time began_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_RELIABILITY_OUTAGES_H_

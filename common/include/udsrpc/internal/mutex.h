#ifndef UDSRPC_INTERNAL_MUTEX_H_
#define UDSRPC_INTERNAL_MUTEX_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "udsrpc/internal/tsan.h"

// absl::Mutex and absl::CondVar, told to ThreadSanitizer: Debian's libabsl is built without it, so the synchronization
// that its mutexes give would be invisible and every use of one reported as a race. In other builds these are
// absl's types with nothing added.

namespace udsrpc::internal {

class ABSL_LOCKABLE Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    mutex_.Lock();
    TsanAcquire(this);
  }
  void Unlock() ABSL_UNLOCK_FUNCTION() {
    TsanRelease(this);
    mutex_.Unlock();
  }
  bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) {
    const bool locked = mutex_.TryLock();
    if (locked) TsanAcquire(this);
    return locked;
  }
  void AssertHeld() const ABSL_ASSERT_EXCLUSIVE_LOCK() { mutex_.AssertHeld(); }

 private:
  friend class CondVar;
  absl::Mutex mutex_;
};

class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

class CondVar {
 public:
  void Wait(Mutex& mutex) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    TsanRelease(&mutex);
    condition_.Wait(&mutex.mutex_);
    TsanAcquire(&mutex);
  }
  // True: the deadline has passed. By the wall clock, as absl's.
  bool WaitWithDeadline(Mutex& mutex, absl::Time deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    TsanRelease(&mutex);
    const bool expired = condition_.WaitWithDeadline(&mutex.mutex_, deadline);
    TsanAcquire(&mutex);
    return expired;
  }
  bool WaitWithTimeout(Mutex& mutex, absl::Duration timeout) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    TsanRelease(&mutex);
    const bool expired = condition_.WaitWithTimeout(&mutex.mutex_, timeout);
    TsanAcquire(&mutex);
    return expired;
  }
  void Signal() { condition_.Signal(); }
  void SignalAll() { condition_.SignalAll(); }

 private:
  absl::CondVar condition_;
};

}  // namespace udsrpc::internal

#endif  // UDSRPC_INTERNAL_MUTEX_H_

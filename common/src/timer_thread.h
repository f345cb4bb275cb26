#ifndef UDSRPC_COMMON_TIMER_THREAD_H_
#define UDSRPC_COMMON_TIMER_THREAD_H_

#include <thread>

#include "absl/base/thread_annotations.h"
#include "common/src/timer_queue.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/internal/process_mark.h"

namespace udsrpc {

// The thread on which coroutines that slept go on: one for the whole program, from the first timer on, for ever. Those
// that sleep belong to no channel or server whose thread it could be. Thread-safe.
class TimerThread {
 public:
  static TimerThread& Get();

  // Has `expire` called at `when`, or soon after it. It must not block.
  TimerQueue::Id Add(TimerQueue::TimePoint when, TimerQueue::Expire expire);
  // The call will not come any more, and is not under way when this returns, unless it is the one that calls this.
  void Remove(const TimerQueue::Id& timer);

 private:
  TimerThread() = default;

  void Main();

  const internal::ProcessMark process_;
  internal::Mutex mutex_;
  TimerQueue timers_ ABSL_GUARDED_BY(mutex_);
  internal::CondVar earlier_;  // the next timer is another one
  internal::CondVar expired_;
  TimerQueue::Id expiring_ ABSL_GUARDED_BY(mutex_);  // number 0: none
  std::thread::id thread_ ABSL_GUARDED_BY(mutex_);   // none before the first timer
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_TIMER_THREAD_H_

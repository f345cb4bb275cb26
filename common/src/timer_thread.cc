#include "common/src/timer_thread.h"

#include <atomic>
#include <utility>

#include "udsrpc/internal/process_bound.h"

namespace udsrpc {

TimerThread& TimerThread::Get() {
  // Never destroyed: coroutines may sleep until the program ends. A child of fork has another one.
  static std::atomic<TimerThread*> of_this_process{nullptr};
  TimerThread* thread = of_this_process.load(std::memory_order_acquire);
  while (thread == nullptr || thread->process_.elsewhere()) {
    auto* const mine = new TimerThread;
    TimerThread* const before = thread;
    if (of_this_process.compare_exchange_strong(thread, mine)) {
      if (before != nullptr) internal::Abandon(before);
      return *mine;
    }
    delete mine;
  }
  return *thread;
}

TimerQueue::Id TimerThread::Add(TimerQueue::TimePoint when, TimerQueue::Expire expire) {
  internal::MutexLock lock(mutex_);
  if (thread_ == std::thread::id()) {
    std::thread thread([this] { Main(); });
    thread_ = thread.get_id();
    thread.detach();
  }
  if (when < timers_.next() && thread_ != std::this_thread::get_id()) earlier_.Signal();
  return timers_.Add(when, std::move(expire));
}

void TimerThread::Remove(const TimerQueue::Id& timer) {
  TimerQueue::Expire removed;  // destroyed without the mutex
  internal::MutexLock lock(mutex_);
  removed = timers_.Remove(timer);
  while (expiring_ == timer && thread_ != std::this_thread::get_id()) expired_.Wait(mutex_);
}

void TimerThread::Main() {
  internal::MutexLock lock(mutex_);
  for (;;) {
    const TimerQueue::TimePoint now = Deadline::Clock::now();
    if (timers_.next() > now) {
      earlier_.WaitWithTimeout(mutex_, timers_.Remaining(now));
      continue;
    }
    expiring_ = timers_.next_id();
    TimerQueue::Expire expire = timers_.PopNext();
    mutex_.Unlock();
    std::move(expire)();
    expire = nullptr;
    mutex_.Lock();
    expiring_ = {};
    expired_.SignalAll();
  }
}

}  // namespace udsrpc

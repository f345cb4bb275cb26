#include "common/src/timer_thread.h"

#include <utility>

namespace udsrpc {

TimerThread& TimerThread::Get() {
  static TimerThread* const thread = new TimerThread;  // never destroyed: coroutines may sleep until the program ends
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

#include "udsrpc/cancellation.h"

#include <algorithm>
#include <utility>

namespace udsrpc {

Cancellation::~Cancellation() {
  if (!cancelled()) return;
  internal::MutexLock lock(mutex_);
  while (destroyed_ != nullptr && runner_ != std::this_thread::get_id()) ran_.Wait(mutex_);
  if (destroyed_ != nullptr) *destroyed_ = true;
}

void Cancellation::Cancel() {
  mutex_.Lock();
  if (cancelled_.exchange(true, std::memory_order_acq_rel)) return mutex_.Unlock();
  bool destroyed = false;
  destroyed_ = &destroyed;
  runner_ = std::this_thread::get_id();
  while (!subscribers_.empty()) {
    Subscriber subscriber = std::move(subscribers_.front());
    subscribers_.erase(subscribers_.begin());
    running_ = subscriber.subscription;
    mutex_.Unlock();
    std::move(subscriber.callback)();
    subscriber.callback = nullptr;
    if (destroyed) return;
    mutex_.Lock();
    running_ = 0;
    ran_.SignalAll();
  }
  destroyed_ = nullptr;
  ran_.SignalAll();
  mutex_.Unlock();
}

Cancellation::Subscription Cancellation::Subscribe(Callback callback) {
  {
    internal::MutexLock lock(mutex_);
    if (!cancelled()) {
      subscribed_.store(true, std::memory_order_relaxed);
      subscribers_.push_back(Subscriber{.subscription = ++last_, .callback = std::move(callback)});
      return last_;
    }
  }
  std::move(callback)();
  return 0;
}

void Cancellation::Unsubscribe(Subscription subscription) {
  if (subscription == 0) return;
  Subscriber removed;  // destroyed without the mutex
  internal::MutexLock lock(mutex_);
  const auto found = std::find_if(subscribers_.begin(), subscribers_.end(),
                                  [=](const Subscriber& s) { return s.subscription == subscription; });
  if (found != subscribers_.end()) {
    removed = std::move(*found);
    subscribers_.erase(found);
  }
  while (running_ == subscription && runner_ != std::this_thread::get_id()) ran_.Wait(mutex_);
}

void Cancellation::UnsubscribeAll() {
  if (!subscribed_.load(std::memory_order_relaxed)) return;
  std::vector<Subscriber> removed;
  internal::MutexLock lock(mutex_);
  removed.swap(subscribers_);
  while (running_ != 0 && runner_ != std::this_thread::get_id()) ran_.Wait(mutex_);
}

}  // namespace udsrpc

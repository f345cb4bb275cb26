#ifndef CHAT_MAILBOX_H_
#define CHAT_MAILBOX_H_

#include <coroutine>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "udsrpc/cancellation.h"
#include "udsrpc/task.h"

// What other threads have for a coroutine, which waits for it without blocking a thread:
//
//   while (std::optional<Mailbox<int>::Mail> mail = co_await mailbox.Next()) ...
//
// Bounded: where the coroutine does not keep up, the oldest is dropped, and counted. So whoever puts something in never
// waits.
template <typename T>
class Mailbox {
 public:
  struct Mail {
    T value;
    size_t missed;  // that were dropped right before it
  };

  explicit Mailbox(size_t capacity) : capacity_(capacity) {}
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // Both give what is to go on now: the coroutine that waited, or one that does nothing. Resume it without any lock, as
  // it may do whatever a coroutine does. Thread-safe.
  [[nodiscard]] std::coroutine_handle<> Put(T value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (queue_.size() == capacity_) {
      queue_.pop_front();
      ++missed_;
    }
    queue_.push_back(std::move(value));
    return TakeWaiting();
  }
  // Next gives what is left, and then nothing.
  [[nodiscard]] std::coroutine_handle<> Close() {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    return TakeWaiting();
  }

  // The oldest that is left. Nothing: the mailbox was closed, or the awaiting coroutine was cancelled. By one coroutine
  // at a time, which must not be destroyed while it waits.
  udsrpc::Task<std::optional<Mail>> Next() {
    udsrpc::Cancellation* const cancellation = co_await udsrpc::CurrentCancellation();
    udsrpc::Cancellation::Subscription subscription = 0;
    if (cancellation != nullptr) subscription = cancellation->Subscribe([this] { OnCancel(); });
    co_await Arrival{*this, cancellation};
    if (cancellation != nullptr) cancellation->Unsubscribe(subscription);

    const std::lock_guard<std::mutex> lock(mutex_);
    if (queue_.empty() || IsCancelled(cancellation)) co_return std::nullopt;
    Mail mail{.value = std::move(queue_.front()), .missed = std::exchange(missed_, 0)};
    queue_.pop_front();
    co_return mail;
  }

 private:
  struct Arrival {
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> coroutine) { return mailbox.Wait(coroutine, cancellation); }
    void await_resume() const noexcept {}

    Mailbox& mailbox;
    udsrpc::Cancellation* cancellation;
  };

  static bool IsCancelled(const udsrpc::Cancellation* cancellation) {
    return cancellation != nullptr && cancellation->cancelled();
  }

  // Whether there is anything to wait for. Asks for the cancellation under the lock, and OnCancel, which comes after
  // it, takes the lock: one of the two sees the other.
  bool Wait(std::coroutine_handle<> coroutine, const udsrpc::Cancellation* cancellation) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!queue_.empty() || closed_ || IsCancelled(cancellation)) return false;
    waiting_ = coroutine;
    return true;
  }

  void OnCancel() {
    std::coroutine_handle<> waiting;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      waiting = TakeWaiting();
    }
    waiting.resume();
  }

  std::coroutine_handle<> TakeWaiting() {
    const std::coroutine_handle<> waiting = std::exchange(waiting_, nullptr);
    return waiting != nullptr ? waiting : std::noop_coroutine();
  }

  const size_t capacity_;
  std::mutex mutex_;  // guards what follows
  std::deque<T> queue_;
  size_t missed_ = 0;
  bool closed_ = false;
  std::coroutine_handle<> waiting_;
};

#endif  // CHAT_MAILBOX_H_

#ifndef UDSRPC_INTERNAL_TASK_PROMISE_H_
#define UDSRPC_INTERNAL_TASK_PROMISE_H_

#include <atomic>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace udsrpc {

class Cancellation;
template <typename T>
class Task;

namespace internal {

[[noreturn]] void AwaitedNoTask();

// Of every coroutine that knows of cancellation.
class PromiseBase {
 public:
  // Null: nobody cancels it.
  Cancellation* cancellation() const { return cancellation_; }
  // Before it begins. Outlives the coroutine.
  void set_cancellation(Cancellation* cancellation) { cancellation_ = cancellation; }

 private:
  Cancellation* cancellation_ = nullptr;
};

// Of the coroutine, or null.
template <typename Promise>
Cancellation* CancellationOf(std::coroutine_handle<Promise> coroutine) {
  if constexpr (std::is_base_of_v<PromiseBase, Promise>) {
    return coroutine.promise().cancellation();
  } else {
    return nullptr;
  }
}

// Of every Task: how it begins, and how it goes back to whoever awaits it.
class TaskPromiseBase : public PromiseBase {
 public:
  // Begins the coroutine, which is this promise's. Whether `awaiting` is to be suspended: it will be resumed when the
  // coroutine ends. Otherwise that has ended already. Not symmetric transfer, which grows the stack of a loop over
  // tasks that never wait wherever the compiler makes no tail call of it: without optimization and under
  // AddressSanitizer.
  bool Run(std::coroutine_handle<> coroutine, std::coroutine_handle<> awaiting) {
    awaiting_ = awaiting;
    coroutine.resume();
    // Where it goes on elsewhere, whoever comes second knows of the other.
    return !met_.exchange(true, std::memory_order_acq_rel);
  }

  std::suspend_always initial_suspend() noexcept { return {}; }
  auto final_suspend() noexcept {
    struct Awaiter {
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<>) const noexcept {
        // Once the awaiting coroutine may go on, this promise may be gone.
        const std::coroutine_handle<> awaiting = promise.awaiting_;
        if (promise.met_.exchange(true, std::memory_order_acq_rel)) awaiting.resume();
      }
      void await_resume() const noexcept {}
      TaskPromiseBase& promise;
    };
    return Awaiter{*this};
  }
  void unhandled_exception() { exception_ = std::current_exception(); }

 protected:
  void Rethrow() const {
    if (exception_ != nullptr) std::rethrow_exception(exception_);
  }

 private:
  std::coroutine_handle<> awaiting_;
  std::atomic<bool> met_{false};
  std::exception_ptr exception_;
};

template <typename T>
class TaskPromise final : public TaskPromiseBase {
 public:
  Task<T> get_return_object();

  template <typename Value>
  void return_value(Value&& value) {
    value_.emplace(std::forward<Value>(value));
  }
  T Take() {
    Rethrow();
    return *std::move(value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class TaskPromise<void> final : public TaskPromiseBase {
 public:
  Task<void> get_return_object();

  void return_void() {}
  void Take() { Rethrow(); }
};

}  // namespace internal

}  // namespace udsrpc

#endif  // UDSRPC_INTERNAL_TASK_PROMISE_H_

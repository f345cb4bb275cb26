#ifndef UDSRPC_INTERNAL_BRANCH_H_
#define UDSRPC_INTERNAL_BRANCH_H_

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "udsrpc/cancellation.h"
#include "udsrpc/task.h"

// What WhenAll, WhenSome and WhenAny are made of.

namespace udsrpc::internal {

// What one of several tasks gave.
template <typename T>
class BranchResult {
 public:
  using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

  void Set(Value value) { value_.emplace(std::move(value)); }
  void SetException(std::exception_ptr exception) { exception_ = std::move(exception); }
  Value Take() {
    if (exception_ != nullptr) std::rethrow_exception(exception_);
    return *std::move(value_);
  }

 private:
  std::optional<Value> value_;
  std::exception_ptr exception_;
};

// Cancels the one with the other, which may be null, as long as it lives.
class ForwardedCancellation {
 public:
  ForwardedCancellation(Cancellation* from, Cancellation& to) : from_(from) {
    if (from_ != nullptr) subscription_ = from_->Subscribe([&to] { to.Cancel(); });
  }
  ~ForwardedCancellation() {
    if (from_ != nullptr) from_->Unsubscribe(subscription_);
  }
  ForwardedCancellation(const ForwardedCancellation&) = delete;
  ForwardedCancellation& operator=(const ForwardedCancellation&) = delete;

 private:
  Cancellation* const from_;
  Cancellation::Subscription subscription_ = 0;
};

// Tasks that run at a time, for one coroutine that awaits the end of all. Destroys those that have not ended.
class Branches {
 public:
  explicit Branches(size_t count) { branches_.reserve(count); }
  ~Branches() {
    for (const Branch& branch : branches_) branch.coroutine.destroy();
  }
  Branches(const Branches&) = delete;
  Branches& operator=(const Branches&) = delete;

  // `on_end` is called when the task has ended, by the thread that ended it.
  template <typename T, typename OnEnd>
  void Add(Task<T> task, BranchResult<T>& result, OnEnd on_end) {
    branches_.push_back(Run(std::move(task), result, std::move(on_end)));
  }
  template <typename T>
  void Add(Task<T> task, BranchResult<T>& result) {
    Add(std::move(task), result, [] {});
  }

  // To be awaited: begins all, under that cancellation.
  auto All(Cancellation* cancellation) {
    struct Awaiter {
      bool await_ready() const noexcept { return false; }
      bool await_suspend(std::coroutine_handle<> awaiting) { return branches.Begin(awaiting, cancellation); }
      void await_resume() const noexcept {}
      Branches& branches;
      Cancellation* cancellation;
    };
    return Awaiter{*this, cancellation};
  }

 private:
  struct Branch {
    class promise_type : public PromiseBase {
     public:
      Branch get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
      std::suspend_always initial_suspend() noexcept { return {}; }
      auto final_suspend() noexcept {
        struct Awaiter {
          bool await_ready() const noexcept { return false; }
          void await_suspend(std::coroutine_handle<>) const noexcept { branches.OnEnd(); }
          void await_resume() const noexcept {}
          Branches& branches;
        };
        return Awaiter{*branches_};
      }
      void return_void() {}
      void unhandled_exception() { std::terminate(); }  // of on_end

      void set_branches(Branches* branches) { branches_ = branches; }

     private:
      Branches* branches_ = nullptr;
    };
    std::coroutine_handle<promise_type> coroutine;
  };

  template <typename T, typename OnEnd>
  static Branch Run(Task<T> task, BranchResult<T>& result, OnEnd on_end) {
    try {
      if constexpr (std::is_void_v<T>) {
        co_await std::exchange(task, {});
        result.Set({});
      } else {
        result.Set(co_await std::exchange(task, {}));
      }
    } catch (...) {
      result.SetException(std::current_exception());
    }
    on_end();
  }

  // Whether the awaiting coroutine is to be suspended.
  bool Begin(std::coroutine_handle<> awaiting, Cancellation* cancellation) {
    awaiting_ = awaiting;
    left_.store(branches_.size() + 1, std::memory_order_relaxed);
    for (const Branch& branch : branches_) {
      branch.coroutine.promise().set_cancellation(cancellation);
      branch.coroutine.promise().set_branches(this);
      branch.coroutine.resume();
    }
    return left_.fetch_sub(1, std::memory_order_acq_rel) != 1;
  }

  void OnEnd() {
    // Once the awaiting coroutine may go on, this may be gone.
    const std::coroutine_handle<> awaiting = awaiting_;
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) awaiting.resume();
  }

  std::vector<Branch> branches_;
  std::coroutine_handle<> awaiting_;
  std::atomic<size_t> left_{0};  // that have not ended, and one for the beginning
};

}  // namespace udsrpc::internal

#endif  // UDSRPC_INTERNAL_BRANCH_H_

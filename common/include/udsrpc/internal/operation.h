#ifndef UDSRPC_INTERNAL_OPERATION_H_
#define UDSRPC_INTERNAL_OPERATION_H_

#include <coroutine>
#include <optional>
#include <utility>

#include "udsrpc/cancellation.h"
#include "udsrpc/internal/task_promise.h"

// What co_await does with one operation of a call: begins it, and goes on at once or when it has ended.

namespace udsrpc::internal {

// While a coroutine waits for something, hears of the coroutine's cancellation.
class CancelWithCoroutine {
 public:
  CancelWithCoroutine() = default;
  ~CancelWithCoroutine() { Leave(); }
  CancelWithCoroutine(const CancelWithCoroutine&) = delete;
  CancelWithCoroutine& operator=(const CancelWithCoroutine&) = delete;

  // `cancellation` may be null.
  void Enter(Cancellation* cancellation, Cancellation::Callback on_cancel) {
    cancellation_ = cancellation;
    if (cancellation_ != nullptr) subscription_ = cancellation_->Subscribe(std::move(on_cancel));
  }
  void Leave() {
    if (cancellation_ != nullptr) std::exchange(cancellation_, nullptr)->Unsubscribe(subscription_);
  }
  Cancellation* cancellation() const { return cancellation_; }

 private:
  Cancellation* cancellation_ = nullptr;
  Cancellation::Subscription subscription_ = 0;
};

// `Derived` has: std::optional<Result> Begin(absl::AnyInvocable<void(Result) &&> done), and void OnCancel().
template <typename Derived, typename Result>
class Operation {
 public:
  Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  bool await_ready() const noexcept { return false; }
  template <typename Promise>
  bool await_suspend(std::coroutine_handle<Promise> coroutine) {
    auto* const derived = static_cast<Derived*>(this);
    cancel_.Enter(CancellationOf(coroutine), [derived] { derived->OnCancel(); });
    waits_ = true;
    // Once it has begun, the coroutine may go on elsewhere, and this be gone.
    std::optional<Result> at_once = derived->Begin([this, coroutine](Result result) {
      result_ = std::move(result);
      coroutine.resume();
    });
    if (!at_once) return true;
    result_ = std::move(at_once);
    return false;
  }

 protected:
  Result Take() {
    cancel_.Leave();
    waits_ = false;
    return *std::move(result_);
  }
  // For the destructor, which may run while the coroutine waits.
  bool waits() const { return waits_; }
  // That of the coroutine that waits, or null.
  const Cancellation* cancellation() const { return cancel_.cancellation(); }

 private:
  std::optional<Result> result_;
  bool waits_ = false;
  CancelWithCoroutine cancel_;
};

}  // namespace udsrpc::internal

#endif  // UDSRPC_INTERNAL_OPERATION_H_

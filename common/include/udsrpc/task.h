#ifndef UDSRPC_TASK_H_
#define UDSRPC_TASK_H_

#include <coroutine>
#include <optional>
#include <utility>

#include "udsrpc/cancellation.h"
#include "udsrpc/internal/task_promise.h"

namespace udsrpc {

// A coroutine that gives a T, once:
//
//   udsrpc::Task<absl::Status> Greet(GreeterStub stub) {
//     ...
//     const absl::StatusOr<HelloReply> reply = co_await stub.Async().SayHello(context, request);
//     co_return reply.status();
//   }
//
// It begins when it is awaited, by another coroutine or by Spawn or SyncWait (spawn.h), and goes on by whatever thread
// brings what it awaits. What its parameters refer to must live until it has ended: it keeps references as references.
// That includes the captures of a lambda, which is gone when Spawn returns. An exception that leaves it is rethrown to
// whoever awaits it. T is movable, or void.
//
// A task owns its coroutine: one that is destroyed before it has ended destroys the coroutine, and by that whatever
// this awaits. Whoever does so sees to it that no other thread runs the coroutine then.
//
// GCC 12 compiles some coroutines wrongly: docs/ASYNC.md says which.
//
// Cancellation goes down: a task inherits that of the coroutine that awaits it. Calls that it awaits are cancelled with
// it; see CurrentCancellation for the rest. The coroutine itself goes on, with the statuses of what was cancelled.
template <typename T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = internal::TaskPromise<T>;

  // None: it converts to false; to await it ends the program with a message.
  Task() = default;
  Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    Task old(std::exchange(coroutine_, std::exchange(other.coroutine_, nullptr)));
    return *this;
  }
  ~Task() {
    if (coroutine_ != nullptr) coroutine_.destroy();
  }

  explicit operator bool() const { return coroutine_ != nullptr; }

  class Awaiter {
   public:
    explicit Awaiter(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine) {}

    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    bool await_suspend(std::coroutine_handle<Promise> awaiting) {
      coroutine_.promise().set_cancellation(internal::CancellationOf(awaiting));
      return coroutine_.promise().Run(coroutine_, awaiting);
    }
    T await_resume() { return coroutine_.promise().Take(); }

   private:
    const std::coroutine_handle<promise_type> coroutine_;
  };
  // The task must live until it has ended.
  Awaiter operator co_await() && {
    if (coroutine_ == nullptr) internal::AwaitedNoTask();
    return Awaiter(coroutine_);
  }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine) {}

  std::coroutine_handle<promise_type> coroutine_;
};

// co_await CurrentCancellation() gives, at once, the Cancellation that the awaiting coroutine runs under, or null. It
// lives as long as the coroutine.
class CurrentCancellation {
 public:
  bool await_ready() const noexcept { return false; }
  template <typename Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) {
    cancellation_ = internal::CancellationOf(awaiting);
    return false;
  }
  Cancellation* await_resume() const { return cancellation_; }

 private:
  Cancellation* cancellation_ = nullptr;
};

namespace internal {

template <typename T>
Task<T> TaskPromise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}

}  // namespace internal

}  // namespace udsrpc

#endif  // UDSRPC_TASK_H_

#ifndef UDSRPC_SPAWN_H_
#define UDSRPC_SPAWN_H_

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "udsrpc/cancellation.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/task.h"

// Where tasks begin that no coroutine awaits.

namespace udsrpc {

namespace internal {

// The coroutine at the bottom: owns itself. What a function that returns one does begins with Begin.
class Root {
 public:
  class promise_type : public PromiseBase {
   public:
    Root get_return_object() { return Root(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };

  void Begin(Cancellation* cancellation) {
    coroutine_.promise().set_cancellation(cancellation);
    coroutine_.resume();
  }

  template <typename T, typename Done>
  static Root Of(Task<T> task, Done done) {
    if constexpr (std::is_void_v<T>) {
      co_await std::exchange(task, {});
      std::move(done)();
    } else {
      T value = co_await std::exchange(task, {});  // the task is gone when `done` is called
      std::move(done)(std::move(value));
    }
  }

 private:
  explicit Root(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine) {}

  const std::coroutine_handle<promise_type> coroutine_;
};

}  // namespace internal

// Begins `task` on the calling thread, and returns when it first waits for something, or has ended. When it has ended,
// `done` is called with what it gave, by the thread that ended it: this one, before Spawn returns, where the task never
// had to wait. `cancellation`, where it is not null, cancels the task's calls, and must outlive the task. An exception
// that leaves the task, or `done`, ends the program.
template <typename T, typename Done>
void Spawn(Task<T> task, Done done, Cancellation* cancellation = nullptr) {
  internal::Root::Of<T, Done>(std::move(task), std::move(done)).Begin(cancellation);
}

// The same, where nobody is to be told.
inline void Spawn(Task<> task) {
  Spawn(std::move(task), [] {});
}

// Begins `task` and blocks until it has ended; gives what it gave, or rethrows what left it. Not on a thread that
// brings what the task waits for, such as the one that runs completions. `cancellation`: see Spawn.
template <typename T>
T SyncWait(Task<T> task, Cancellation* cancellation = nullptr) {
  internal::Mutex mutex;
  internal::CondVar changed;
  bool ended = false;
  std::exception_ptr exception;
  std::conditional_t<std::is_void_v<T>, bool, std::optional<T>> result{};
  // Within a task, so that an exception does not come to the root.
  const auto run = [&](Task<T> inner) -> Task<> {
    try {
      if constexpr (std::is_void_v<T>) {
        co_await std::move(inner);
      } else {
        result.emplace(co_await std::move(inner));
      }
    } catch (...) {
      exception = std::current_exception();
    }
  };
  Spawn(
      run(std::move(task)),
      [&] {
        internal::MutexLock lock(mutex);
        ended = true;
        changed.Signal();
      },
      cancellation);
  {
    internal::MutexLock lock(mutex);
    while (!ended) changed.Wait(mutex);  // NOLINT(bugprone-infinite-loop): the other thread sets it
  }
  if (exception != nullptr) std::rethrow_exception(exception);
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace udsrpc

#endif  // UDSRPC_SPAWN_H_

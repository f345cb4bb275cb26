#ifndef UDSRPC_WHEN_H_
#define UDSRPC_WHEN_H_

#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "udsrpc/cancellation.h"
#include "udsrpc/internal/branch.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/task.h"

// Several tasks at a time. All begin on the awaiting thread, one after the other, each until it first waits; they go on
// on different threads at the same time, where no executor says otherwise, so what they share has to be locked. Nothing
// of them goes on when these return: what they refer to need not live longer. WhenAll cancels nothing, whatever a task
// gives or throws.
// Of exceptions that leave the tasks the first one is rethrown when all have ended: in the order of the tasks, or for
// WhenSome and WhenAny in that of their ends, among those that are wanted.

namespace udsrpc {

// What each gave, in the order of the tasks.
template <typename T>
Task<std::vector<T>> WhenAll(std::vector<Task<T>> tasks) {
  std::vector<internal::BranchResult<T>> results(tasks.size());
  internal::Branches branches(tasks.size());
  for (size_t i = 0; i < tasks.size(); ++i) branches.Add(std::move(tasks[i]), results[i]);
  co_await branches.All(co_await CurrentCancellation());
  std::vector<T> values;
  values.reserve(results.size());
  for (internal::BranchResult<T>& result : results) values.push_back(result.Take());
  co_return values;
}

inline Task<> WhenAll(std::vector<Task<>> tasks) {
  std::vector<internal::BranchResult<void>> results(tasks.size());
  internal::Branches branches(tasks.size());
  for (size_t i = 0; i < tasks.size(); ++i) branches.Add(std::move(tasks[i]), results[i]);
  co_await branches.All(co_await CurrentCancellation());
  for (internal::BranchResult<void>& result : results) result.Take();
}

// For tasks of different types. void gives std::monostate.
template <typename... T>
Task<std::tuple<typename internal::BranchResult<T>::Value...>> WhenAll(Task<T>... tasks) {
  std::tuple<internal::BranchResult<T>...> results;
  internal::Branches branches(sizeof...(T));
  std::apply([&](auto&... result) { (branches.Add(std::move(tasks), result), ...); }, results);
  co_await branches.All(co_await CurrentCancellation());
  // Braces evaluate from left to right.
  co_return std::apply(
      [](auto&... result) { return std::tuple<typename internal::BranchResult<T>::Value...>{result.Take()...}; },
      results);
}

// One of several tasks, with what it gave.
template <typename T>
struct Finished {
  size_t index;  // in the order of the tasks
  T value;
};

namespace internal {

// The indices of the tasks in the order in which they ended, of which `count` were wanted, with what all gave.
template <typename T>
Task<std::vector<size_t>> FirstOf(std::vector<Task<T>> tasks, size_t count, std::vector<BranchResult<T>>& results) {
  Mutex mutex;
  std::vector<size_t> order;  // guarded by the mutex
  Cancellation enough;
  const ForwardedCancellation forwarded(co_await CurrentCancellation(), enough);
  Branches branches(tasks.size());
  for (size_t i = 0; i < tasks.size(); ++i) {
    branches.Add(std::move(tasks[i]), results[i], [&, i] {
      mutex.Lock();
      order.push_back(i);
      const bool is_last_wanted = order.size() == count;
      mutex.Unlock();
      if (is_last_wanted) enough.Cancel();
    });
  }
  co_await branches.All(&enough);
  if (order.size() > count) order.resize(count);
  co_return order;
}

}  // namespace internal

// The first `count`, at least 1, that end, in the order in which they do; fewer where there are fewer tasks. An error
// that a task gives is an end like any other. Then cancels the others, as far as they await what can be cancelled,
// waits until they have ended, and drops what they give. That may be something, such as a message that came in that
// very moment: a task that reads puts it where it is found later.
template <typename T>
Task<std::vector<Finished<T>>> WhenSome(std::vector<Task<T>> tasks, size_t count) {
  std::vector<internal::BranchResult<T>> results(tasks.size());
  std::vector<Finished<T>> finished;
  for (const size_t index : co_await internal::FirstOf(std::move(tasks), count, results)) {
    finished.push_back(Finished<T>{.index = index, .value = results[index].Take()});
  }
  co_return finished;
}

// The same for the first one. At least one task.
template <typename T>
Task<Finished<T>> WhenAny(std::vector<Task<T>> tasks) {
  std::vector<Finished<T>> finished = co_await WhenSome(std::move(tasks), 1);
  co_return std::move(finished.front());
}

// The same of tasks that give nothing: the index of the first.
inline Task<size_t> WhenAny(std::vector<Task<>> tasks) {
  std::vector<internal::BranchResult<void>> results(tasks.size());
  const std::vector<size_t> order = co_await internal::FirstOf(std::move(tasks), 1, results);
  results[order.front()].Take();
  co_return order.front();
}

}  // namespace udsrpc

#endif  // UDSRPC_WHEN_H_

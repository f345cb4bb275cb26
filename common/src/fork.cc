#include "common/src/fork.h"

#include <pthread.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "udsrpc/internal/process_bound.h"
#include "udsrpc/internal/process_mark.h"

namespace udsrpc {
namespace {

// All that there are in a program, and some.
constexpr size_t kMostMutexes = 8;

constinit std::array<std::atomic<internal::Mutex*>, kMostMutexes> held_mutexes{};

// Those that this thread has locked to fork: while it does, another may add one to those above.
constinit thread_local std::array<internal::Mutex*, kMostMutexes> locked_mutexes{};

void LockAll() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  for (size_t i = 0; i < kMostMutexes; ++i) {
    locked_mutexes[i] = held_mutexes[i].load();
    if (locked_mutexes[i] != nullptr) locked_mutexes[i]->Lock();
  }
}

void UnlockAll() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  for (internal::Mutex*& mutex : locked_mutexes) {
    if (mutex != nullptr) std::exchange(mutex, nullptr)->Unlock();
  }
}

struct Abandoned {
  const void* object;
  const Abandoned* next;
};
constinit std::atomic<const Abandoned*> abandoned{nullptr};

}  // namespace

namespace internal {

constinit std::atomic<unsigned> ProcessMark::forks_{0};

void CountFork() { ProcessMark::forks_.fetch_add(1, std::memory_order_relaxed); }

void Abandon(const void* object) {
  auto* const added = new Abandoned{.object = object, .next = abandoned.load()};
  while (!abandoned.compare_exchange_weak(added->next, added)) continue;
}

}  // namespace internal

namespace {

void OnForkInChild() {
  internal::CountFork();
  UnlockAll();
}

// The program's first fork may come before anything of ours is used.
[[maybe_unused]] const int registered = pthread_atfork(LockAll, UnlockAll, OnForkInChild);

}  // namespace

absl::Status ForkedError(absl::string_view what) {
  return absl::FailedPreconditionError(
      absl::StrCat(what, ": it was made before fork() and serves the parent alone; make another one in the child"));
}

void HoldAcrossForks(internal::Mutex& mutex) {
  for (auto& each : held_mutexes) {
    internal::Mutex* none = nullptr;
    if (each.compare_exchange_strong(none, &mutex)) return;
  }
}

}  // namespace udsrpc

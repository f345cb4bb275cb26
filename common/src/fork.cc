#include "common/src/fork.h"

#include <pthread.h>

#include <array>
#include <atomic>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "udsrpc/internal/process_bound.h"
#include "udsrpc/internal/process_mark.h"

namespace udsrpc {
namespace {

// All that there are in a program, and some.
constexpr size_t kMostMutexes = 8;

constinit std::array<std::atomic<internal::Mutex*>, kMostMutexes> held_mutexes{};

void LockAll() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  for (const auto& each : held_mutexes) {
    if (internal::Mutex* const mutex = each.load(); mutex != nullptr) mutex->Lock();
  }
}

void UnlockAll() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  for (const auto& each : held_mutexes) {
    if (internal::Mutex* const mutex = each.load(); mutex != nullptr) mutex->Unlock();
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

#ifndef UDSRPC_SERVER_HEALTH_TABLE_H_
#define UDSRPC_SERVER_HEALTH_TABLE_H_

#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

enum class HealthState { kServing, kNotServing, kUnknown };

// The health of each name, and who watches it. Thread-safe. What tells watchers runs their coroutines, without a lock.
class HealthTable {
 public:
  class Watcher;

  void SetServing(absl::string_view name, bool serving);
  void SetMaintenance(bool maintenance);
  // Names that were not set before serve from now on.
  void Start(const std::vector<absl::string_view>& names);
  // None serves any more; watchers are to go once they have told that. Whether some are left: GiveUp is to be called a
  // little later, with that number, for those whose clients take nothing.
  std::optional<int> End();
  void GiveUp(int end);

  HealthState StateOf(absl::string_view name) const;

 private:
  // Of one watcher; all that is not constant is guarded by `mutex_`.
  struct Watch {
    const std::string name;
    std::optional<HealthState> told = std::nullopt;
    bool telling = false;
    bool gone = false;
    std::coroutine_handle<> waiting = nullptr;
  };
  struct Name {
    std::optional<bool> serving;  // nothing: it is only watched
    absl::flat_hash_set<Watch*> watches;
  };
  using Resumable = std::vector<std::coroutine_handle<>>;

  HealthState State(absl::string_view name) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsOver(const Watch& watch) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasStep(const Watch& watch) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Adds the coroutine that waits, where it has something to do now.
  void TakeWaiting(Watch& watch, Resumable& resumable) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeWaiting(const Name& name, Resumable& resumable) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsWatched() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable internal::Mutex mutex_;
  absl::flat_hash_map<std::string, Name> names_ ABSL_GUARDED_BY(mutex_);
  bool maintenance_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool given_up_ ABSL_GUARDED_BY(mutex_) = false;
  int ends_ ABSL_GUARDED_BY(mutex_) = 0;
};

// One who watches a name: a coroutine asks what to tell next, and another one, which may have to wait for the client,
// tells it. So the newest state is told, whatever has been meanwhile; and when the table has ended nobody waits for a
// client that takes nothing.
class HealthTable::Watcher {
 public:
  Watcher(std::shared_ptr<HealthTable> table, std::string name);
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  struct Step {
    bool over = false;                 // nothing is to be told any more
    std::optional<HealthState> state;  // to be told now; nothing: ask again
  };
  struct NextAwaiter {
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> coroutine) const { return watcher.Wait(coroutine); }
    Step await_resume() const { return watcher.TakeStep(); }

    Watcher& watcher;
  };

  // co_await: a Step. By one coroutine, which is not destroyed while it waits.
  NextAwaiter Next() { return NextAwaiter{*this}; }
  // The state of the last step has been told; or cannot be, as the client is gone.
  void OnTold(bool told);
  // The client is gone.
  void OnGone();
  // To be called before this is destroyed. Whether the table has ended, and that was told.
  bool Leave();

 private:
  bool Wait(std::coroutine_handle<> coroutine);
  Step TakeStep();

  const std::shared_ptr<HealthTable> table_;
  Watch watch_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_HEALTH_TABLE_H_

#include "client/src/start_queue.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <list>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "client/src/retry_pause.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {
namespace {

// How long the thread is kept without work.
constexpr absl::Duration kStartThreadLife = absl::Seconds(10);

}  // namespace

// What outlives the queue where its thread destroys it.
struct StartQueue::State : public std::enable_shared_from_this<State> {
  State(std::string endpoint, Connect attempt) : name(std::move(endpoint)), connect(std::move(attempt)) {}

  // There is something to do, once the mutex is given up.
  void WakeThread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void ThreadMain();
  void Tell(Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // Moves those that are to wait no longer, for reasons of their own, to `ripe`.
  void Sort() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void Try() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // Why an entry is to wait no longer; OK where it is.
  absl::Status GivenUp(const Entry& entry, Deadline::Clock::time_point now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void Ripen(Entry& entry, absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  const std::string name;
  Connect connect;  // the thread's

  internal::Mutex mutex;
  internal::CondVar changed;
  internal::CondVar told;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  bool has_thread ABSL_GUARDED_BY(mutex) = false;
  std::thread thread ABSL_GUARDED_BY(mutex);
  std::vector<Entry*> waiting ABSL_GUARDED_BY(mutex);
  std::list<Entry*> ripe ABSL_GUARDED_BY(mutex);  // a deque has memory though it is empty
  Entry* told_now ABSL_GUARDED_BY(mutex) = nullptr;
  uint64_t attempts ABSL_GUARDED_BY(mutex) = 0;
  bool try_now ABSL_GUARDED_BY(mutex) = false;
  RetryPause pause ABSL_GUARDED_BY(mutex);
  Deadline next_try ABSL_GUARDED_BY(mutex);
};

StartQueue::StartQueue(std::string name, Connect connect) : name_(std::move(name)), connect_(std::move(connect)) {}

StartQueue::State& StartQueue::Made() {
  if (State* const state = made_.load(std::memory_order_acquire); state != nullptr) return *state;
  std::call_once(once_, [this] {
    state_ = std::make_shared<State>(std::move(name_), std::move(connect_));
    made_.store(state_.get(), std::memory_order_release);
  });
  return *state_;
}

StartQueue::~StartQueue() {
  if (state_ == nullptr) return;
  std::thread thread;
  {
    internal::MutexLock lock(state_->mutex);
    state_->stopping = true;
    state_->changed.Signal();
    thread = std::move(state_->thread);
  }
  if (!thread.joinable()) return;
  if (thread.get_id() == std::this_thread::get_id()) {
    thread.detach();
  } else {
    thread.join();
  }
}

void StartQueue::Add(Entry& entry, const Deadline& deadline, bool wait_for_ready, absl::Duration pause) {
  const Deadline::Clock::time_point now = Deadline::Clock::now();
  State& state = Made();
  internal::MutexLock lock(state.mutex);
  state.WakeThread();  // may throw, and then nothing must refer to the entry
  entry.deadline_ = deadline;
  entry.wait_for_ready_ = wait_for_ready;
  entry.patience_ = Deadline::After(kBacklogPatience, now);
  entry.attempts_before_ = state.attempts;
  entry.not_before_.reset();
  if (pause > absl::ZeroDuration()) {
    entry.not_before_ = Deadline::After(pause, now);
    state.next_try = state.waiting.empty() ? *entry.not_before_ : std::min(state.next_try, *entry.not_before_);
  } else {
    state.try_now = true;
  }
  state.waiting.push_back(&entry);
}

void StartQueue::Post(Entry& entry, absl::Status status) {
  State& state = Made();
  internal::MutexLock lock(state.mutex);
  state.WakeThread();  // as in Add
  state.Ripen(entry, std::move(status));
}

void StartQueue::Cancel(Entry& entry) {
  State& state = Made();  // it may be added in a moment
  internal::MutexLock lock(state.mutex);
  entry.cancelled_ = true;
  state.changed.Signal();
}

void StartQueue::Remove(Entry& entry) {
  State* const state = made_.load(std::memory_order_acquire);
  if (state == nullptr) return;
  internal::MutexLock lock(state->mutex);
  const auto remove_from = [&entry](auto& entries) {
    entries.erase(std::remove(entries.begin(), entries.end(), &entry), entries.end());
  };
  remove_from(state->waiting);
  remove_from(state->ripe);
  while (state->told_now == &entry && state->thread.get_id() != std::this_thread::get_id()) {
    state->told.Wait(state->mutex);
  }
}

bool StartQueue::idle() const {
  State* const state = made_.load(std::memory_order_acquire);
  if (state == nullptr) return true;
  internal::MutexLock lock(state->mutex);
  return state->waiting.empty() && state->ripe.empty() && state->told_now == nullptr;
}

void StartQueue::State::WakeThread() {
  if (has_thread) return changed.Signal();
  if (thread.joinable()) thread.join();  // it has left ThreadMain
  // Where there is no thread to be had nobody could be told: this throws std::system_error.
  thread = std::thread(&State::ThreadMain, shared_from_this());
  has_thread = true;
}

void StartQueue::State::ThreadMain() {
  internal::MutexLock lock(mutex);
  while (!stopping) {
    Sort();
    if (!ripe.empty()) {
      Tell(*ripe.front());
    } else if (waiting.empty()) {
      if (changed.WaitWithTimeout(mutex, kStartThreadLife) && waiting.empty() && ripe.empty()) break;
    } else if (std::exchange(try_now, false) || next_try.HasPassed(Deadline::Clock::now())) {
      Try();
    } else {
      Deadline next = next_try;
      for (const Entry* entry : waiting) next = std::min(next, entry->deadline_);
      changed.WaitWithTimeout(mutex, next.Remaining(Deadline::Clock::now()));
    }
  }
  has_thread = false;
}

void StartQueue::State::Tell(Entry& entry) {
  ripe.pop_front();
  told_now = &entry;
  mutex.Unlock();
  entry.OnStart(std::move(entry.status_));
  mutex.Lock();
  told_now = nullptr;
  told.SignalAll();
}

void StartQueue::State::Ripen(Entry& entry, absl::Status status) {
  entry.status_ = std::move(status);
  ripe.push_back(&entry);
}

void StartQueue::State::Sort() {
  const Deadline::Clock::time_point now = Deadline::Clock::now();
  size_t kept = 0;
  for (Entry* entry : waiting) {
    absl::Status status = GivenUp(*entry, now);
    if (status.ok()) {
      waiting[kept++] = entry;
    } else {
      Ripen(*entry, std::move(status));
    }
  }
  waiting.resize(kept);
}

absl::Status StartQueue::State::GivenUp(const Entry& entry, Deadline::Clock::time_point now) const {
  if (entry.cancelled_) {
    return absl::CancelledError(absl::StrCat(name, ": cancelled while it waited for a connection"));
  }
  if (!entry.deadline_.never() && entry.deadline_.HasPassed(now)) {
    return absl::DeadlineExceededError(absl::StrCat(name, ": no connection before the deadline"));
  }
  return absl::OkStatus();
}

void StartQueue::State::Try() {
  const uint64_t attempt_number = attempts++;
  mutex.Unlock();
  const Attempt attempt = connect();
  mutex.Lock();
  const Deadline::Clock::time_point now = Deadline::Clock::now();
  if (attempt.code == absl::StatusCode::kOk) pause = RetryPause();
  next_try = Deadline::After(pause.Next(), now);
  size_t kept = 0;
  for (Entry* entry : waiting) {
    const bool rests = entry->not_before_.has_value() && !entry->not_before_->HasPassed(now);
    if (rests) next_try = std::min(next_try, *entry->not_before_);
    const bool came_meanwhile = entry->attempts_before_ > attempt_number;
    const bool again = entry->wait_for_ready_ ? RetryPause::IsWorthwhile(attempt.error)
                                              : attempt.error == EAGAIN && !entry->patience_.HasPassed(now);
    if (rests || came_meanwhile || (attempt.code != absl::StatusCode::kOk && again)) {
      waiting[kept++] = entry;
    } else {
      Ripen(*entry, absl::Status(attempt.code, attempt.message));
    }
  }
  waiting.resize(kept);
}

}  // namespace udsrpc

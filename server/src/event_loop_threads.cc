#include <pthread.h>

#include <algorithm>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "common/src/socket/socket.h"
#include "server/src/event_loop.h"
#include "server/src/method_pace.h"

// Which of an event loop's threads leads, which stands by, and which run tasks.

namespace udsrpc {
namespace {

// How often the one that stands by looks at the leader: a handler is overtaken, and a turn interrupted, after one to
// two of these.
constexpr absl::Duration kWatchInterval = absl::Milliseconds(1);
// The same where no handler has been slow for so many looks, unless it finds one that has just begun. A look takes a
// CPU from somebody for some 45 us here, so a thousand a second are a hundredth of quick calls (p99 52 us, or 23).
constexpr absl::Duration kCalmWatchInterval = absl::Milliseconds(4);
constexpr int kCalmLooks = 100;
// Looks for which a leader that gets no CPU is waited for.
constexpr int kPatientLooks = 10;
// Looks without anything new after which it stops looking until there is a handler again, so that an idle server
// wakes up never.
constexpr int kQuietLooks = 100;
// Threads that are on their way to look for tasks, above which no more are sent: a burst of quick ones needs few.
constexpr int kMostSummoned = 4;
// Between two attempts to start a thread where none is to be had.
constexpr Deadline::Clock::duration kStartPause = std::chrono::milliseconds(5);
// How long a thread without work is kept.
constexpr absl::Duration kIdleThreadLife = absl::Seconds(10);
// Of which one leads and one stands by, beside those that run handlers.
constexpr size_t kOtherThreads = 2;

}  // namespace

thread_local bool EventLoop::waited_ = false;
thread_local const EventLoop* EventLoop::regainable_ = nullptr;

void EventLoop::ThreadMain() {
  pthread_setname_np(pthread_self(), "udsrpc-loop");
  internal::MutexLock lock(mutex_);
  --starting_;
  while (!stopping_) {
    if (!has_leader_) {
      has_leader_ = true;
      Lead();
    } else if (!has_standby_) {
      StandBy();
    } else if (const Lane lane = NextLane(/*leads=*/false); lane != kNone) {
      RunOne(lane);
      if (!CallerLeads()) continue;
      Bump(handler_count_);  // even: it has returned
      Lead();                // on
    } else if (!Idle()) {
      break;
    }
  }
  const auto self = threads_.find(std::this_thread::get_id());
  if (self == threads_.end()) return;  // Stop joins it
  ended_threads_.push_back(std::move(self->second));
  threads_.erase(self);
}

EventLoop::Lane EventLoop::NextLane(bool leads) const {
  bool may_run_handler = slots_->available(*this) > 0;
  if (!may_run_handler && !(ready_.empty() && pool_.empty())) {
    starved_ = true;
    may_run_handler = slots_->available(*this) > 0;  // one may have become free in between
  }
  // The last slots are not the leader's alone where others wait for them, too.
  const bool yields = leads && last_lane_ == kInline && !pool_.empty() && slots_->available(*this) < 2;
  for (int i = 1; i <= kNone; ++i) {
    const Lane lane = static_cast<Lane>((last_lane_ + i) % kNone);
    const bool may_run = lane == kGoingOn || (may_run_handler && !(lane == kPool && leads));
    if (may_run && !(lane == kInline && yields) && !QueueOf(lane).empty()) return lane;
  }
  return kNone;
}

void EventLoop::Enqueue(std::unique_ptr<Task> task) {
  if (task->GoesOn()) return going_on_.Push(std::move(task));
  const MethodPace* const pace = task->pace();
  if (pace == nullptr || !pace->goes_to_pool() || !SummonThread()) return ready_.Push(std::move(task));
  task->Park();
  pool_.Push(std::move(task));
}

MethodPace* EventLoop::RunOne(Lane lane) {
  if (lane != kGoingOn && !slots_->TryTake(*this)) return nullptr;
  last_lane_ = lane;
  std::unique_ptr<Task> task = QueueOf(lane).Pop();
  MethodPace* const pace = lane == kInline ? task->pace() : nullptr;
  if (CallerLeads()) leader_pace_ = pace;
  if (lane == kGoingOn) ++going_on_threads_;
  if (lane == kPool) SummonForPool();
  mutex_.Unlock();
  BeginHandler(lane);
  Run(lane, std::move(task));
  regainable_ = nullptr;
  if (lane != kGoingOn) slots_->Release(*this);
  mutex_.Lock();
  if (lane == kGoingOn) --going_on_threads_;
  return pace;
}

void EventLoop::Run(Lane lane, std::unique_ptr<Task> task) {
  Task& running = *task;
  MethodPace* const pace = lane == kPool ? task->pace() : nullptr;
  if (pace == nullptr) return running.Run(std::move(task));
  waited_ = false;
  const Deadline::Clock::time_point start = Deadline::Clock::now();
  running.Run(std::move(task));
  // To wait for messages is not to be slow; and where it does not go on it had better be on the thread that reads.
  const bool quick = waited_ || Deadline::Clock::now() - start < absl::ToChronoNanoseconds(kWatchInterval);
  quick ? pace->OnQuick() : pace->OnSlow();
}

void EventLoop::RunReady() {
  for (Lane lane; !turn_is_long_ && (lane = NextLane(/*leads=*/true)) != kNone;) {
    Bump(handler_count_);
    if (standby_sleeps_) {
      standby_sleeps_ = false;
      standby_.Set();
    }
    MethodPace* const pace = RunOne(lane);
    if (!CallerLeads()) return;
    if (pace != nullptr) pace->OnQuick();
    Bump(handler_count_);
    SummonForPool();  // they may have waited for this one
  }
}

void EventLoop::StandBy() {
  has_standby_ = true;
  Seen seen{.handlers = handler_count_, .turns = turn_count_};
  int quiet = 0;
  int patient = 0;
  while (!stopping_ && has_leader_) {
    const bool sleeps = standby_sleeps_;
    const uint64_t handlers_before = seen.handlers;
    const uint64_t term = term_;
    ThreadProgress leader = leader_;
    mutex_.Unlock();
    const bool called = sleeps ? standby_.Await(absl::InfiniteDuration()) : WatchLeader(seen, leader);
    mutex_.Lock();
    const bool went_on = term_ != term || handler_count_ != seen.handlers;
    if (called || went_on || seen.handlers != handlers_before) quiet = patient = 0;
    seen.handlers = handler_count_;
    seen.turns = turn_count_;
    if (called || went_on) continue;
    leader_ = leader;
    const bool in_handler = seen.handlers % 2 == 1;
    if (in_handler && patient < kPatientLooks && leader_.IsKeptFromRunning()) {
      ++patient;
    } else if (in_handler) {
      if (leader_pace_ != nullptr) std::exchange(leader_pace_, nullptr)->OnSlow();
      Bump(handler_count_);  // even: the new leader runs none yet
      has_leader_ = false;
    } else if (NextLane(/*leads=*/true) != kNone) {
      SignalWakeEvent(wake_event_.get());  // a handler ended that others waited for, and the leader waits for events
    } else if (NextLane(/*leads=*/false) != kNone) {
      SummonForPool();
    } else if (++quiet >= kQuietLooks) {
      standby_sleeps_ = true;
      quiet = 0;
    }
  }
  has_standby_ = false;
  standby_sleeps_ = false;
}

bool EventLoop::WatchLeader(Seen& seen, ThreadProgress& leader) {
  for (;;) {
    const bool calm = seen.calm >= kCalmLooks && seen.handlers % 2 == 0;
    if (standby_.Await(calm ? kCalmWatchInterval : kWatchInterval)) return true;
    const uint64_t handlers = handler_count_.load(std::memory_order_relaxed);
    if (handlers % 2 == 1) leader.Look();
    if (handlers == seen.handlers) return false;
    const uint64_t turns = turn_count_.load(std::memory_order_relaxed);
    if (turns == seen.turns) turn_is_long_.store(true, std::memory_order_relaxed);
    seen = {.handlers = handlers, .turns = turns, .calm = std::min(seen.calm + 1, kCalmLooks)};
  }
}

bool EventLoop::Idle() {
  ++idle_threads_;
  const bool expired = summoned_ == 0 && idle_.WaitWithTimeout(mutex_, kIdleThreadLife);
  --idle_threads_;
  const bool summoned = summoned_ > 0;
  if (summoned) --summoned_;
  return summoned || !expired || !has_leader_ || !has_standby_;
}

void EventLoop::EnsureStandBy() {
  for (std::thread& thread : std::exchange(ended_threads_, {})) thread.join();
  // Without one handlers run one after the other until there is one.
  if (!has_standby_ && !stopping_) WakeOrStartThread();
}

bool EventLoop::SummonThread() {
  if (stopping_) return false;
  // Who comes has another follow where there is more to do.
  if (summoned_ + starting_ >= kMostSummoned) return true;
  // At the limit all that may run a handler do, or are about to: one of them will look.
  const size_t limit = static_cast<size_t>(slots_->most()) + kOtherThreads + going_on_threads_;
  return (threads_.size() >= limit && summoned_ == idle_threads_) || WakeOrStartThread();
}

void EventLoop::SummonForPool() {
  if (pool_.empty() || slots_->available(*this) == 0 || SummonThread()) return;
  while (!pool_.empty()) ready_.Push(pool_.Pop());
  Wake();
}

bool EventLoop::WakeOrStartThread() {
  if (summoned_ < idle_threads_) {
    ++summoned_;
    idle_.Signal();
    return true;
  }
  constexpr Deadline::Clock::time_point kAnyTime{};
  if (next_start_ != kAnyTime && Deadline::Clock::now() < next_start_) return false;
  next_start_ = kAnyTime;
  try {
    std::thread thread([this] { ThreadMain(); });
    const std::thread::id id = thread.get_id();
    threads_.emplace(id, std::move(thread));
    ++starting_;
  } catch (const std::system_error&) {
    next_start_ = Deadline::Clock::now() + kStartPause;
    return false;
  }
  return true;
}

}  // namespace udsrpc

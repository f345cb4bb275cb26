#include "server/src/grpc_poller_pool.h"

#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <iterator>
#include <system_error>

namespace udsrpc {
namespace {

using std::chrono::nanoseconds;

// How often a parked thread looks at the others, and for how long nobody may have polled by then.
constexpr absl::Duration kLookEvery = absl::Milliseconds(1);
constexpr nanoseconds kUnpolledPatience = std::chrono::microseconds(500);
// Looks for which a handler that gets no CPU is waited for.
constexpr int kPatientLooks = 30;
// After so many looks during which no handler began, the next handler has to wake it again.
constexpr int kQuietLooks = 20;

// From here on a handler takes long: waking another thread costs 5 to 50 us.
constexpr nanoseconds kLong = std::chrono::microseconds(100);
// The weight of the latest time in the usual one is 1 in so many.
constexpr int64_t kUsualOf = 8;

// A polling thread takes stock once in so many handlers.
constexpr int kHandlersPerStock = 64;
// Below this share of its time on a CPU, it is one too many. Far below the half of what calls for a second one, so that
// two do not come and go.
constexpr double kIdle = 0.3;

// A polling thread that has woken so many handlers from Await, and has run none itself, leaves the polling to these.
constexpr int kWokenInARow = 4;

// How long this thread's handler has spent in Await.
thread_local nanoseconds awaited_by_this_thread{0};

thread_local const ThreadProgress progress_of_this_thread = ThreadProgress::OfThisThread();

nanoseconds CpuTimeOfThisThread() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

}  // namespace

// A thread with nothing to do, on its own stack.
struct GrpcPollerPool::Parked {
  internal::CondVar wake;
  bool called = false;         // to poll; guarded by the pool's lock
  Handler* handler = nullptr;  // likewise
};

// What a polling thread has done since it last took stock.
struct GrpcPollerPool::Load {
  Clock::time_point since = Clock::now();
  nanoseconds cpu_before = CpuTimeOfThisThread();
  int handlers = 0;
};

void GrpcPollerPool::Handler::UsualTime::Add(nanoseconds took) {
  const int64_t usual = nanoseconds_.load(std::memory_order_relaxed);
  nanoseconds_.store(usual + (took.count() - usual) / kUsualOf, std::memory_order_relaxed);
}

bool GrpcPollerPool::Handler::UsualTime::IsLong() const {
  return nanoseconds_.load(std::memory_order_relaxed) >= kLong.count() &&
         !never_blocks_.load(std::memory_order_relaxed);
}

GrpcPollerPool::GrpcPollerPool(Source& source, const Limits& limits) : source_(source), limits_(limits) {}

GrpcPollerPool::~GrpcPollerPool() = default;

absl::Status GrpcPollerPool::Start() {
  internal::MutexLock lock(mutex_);
  if (CallPoller()) return absl::OkStatus();
  return absl::ResourceExhaustedError("cannot start a thread for gRPC; raise the limit of threads");
}

std::vector<GrpcPollerPool::Handler*> GrpcPollerPool::TakeWaiting() {
  internal::MutexLock lock(mutex_);
  std::vector<Handler*> taken;
  while (!waiting_.empty()) taken.push_back(static_cast<Handler*>(&waiting_.PopAny()));
  backlogged_.store(false);
  return taken;
}

void GrpcPollerPool::AddWaiting(Handler& handler) {
  if (handler.begun()) return going_on_.push_back(&handler);
  waiting_.Push(handler);
  backlogged_.store(waiting_.size() >= limits_.backlog);
}

GrpcPollerPool::Handler* GrpcPollerPool::NextWaiting() {
  if (!going_on_.empty()) {
    Handler* const next = going_on_.front();
    going_on_.pop_front();
    return next;
  }
  if (waiting_.empty()) return nullptr;
  auto* const next = static_cast<Handler*>(&waiting_.Pop());
  backlogged_.store(waiting_.size() >= limits_.backlog);
  return next;
}

bool GrpcPollerPool::HasCaller() {
  internal::MutexLock lock(mutex_);
  return std::any_of(threads_.begin(), threads_.end(),
                     [](const std::thread& thread) { return thread.get_id() == std::this_thread::get_id(); });
}

void GrpcPollerPool::Join() {
  {
    internal::MutexLock lock(mutex_);
    while (!threads_.empty()) threads_gone_.Wait(mutex_);
  }
  JoinEnded();
}

void GrpcPollerPool::JoinEnded() {
  std::list<std::thread> ended;
  {
    internal::MutexLock lock(mutex_);
    ended.swap(ended_threads_);
  }
  for (std::thread& thread : ended) thread.join();
}

void GrpcPollerPool::Run(std::list<std::thread>::iterator self, bool polls, Handler* handler) {
  pthread_setname_np(pthread_self(), "udsrpc-grpc");
  JoinEnded();
  while (polls || Park(handler)) {
    Poll(handler);
    polls = false;
    handler = nullptr;
  }
  internal::MutexLock lock(mutex_);
  ended_threads_.splice(ended_threads_.end(), threads_, self);
  threads_gone_.SignalAll();
}

bool GrpcPollerPool::Park(Handler*& handler) {
  internal::MutexLock lock(mutex_);
  Parked me;
  parked_.push_back(&me);
  looker_starts_ = false;
  if (looks_wanted_ && looker_ == nullptr) looker_ = &me;
  while (!me.called && !ended_) {
    if (looker_ == &me) {
      me.wake.WaitWithTimeout(mutex_, kLookEvery);
      if (me.called || !Look()) continue;
      ++pollers_;
      parked_.erase(std::find(parked_.begin(), parked_.end(), &me));
      me.called = true;
    } else if (me.wake.WaitWithTimeout(mutex_, limits_.idle) && !me.called && looker_ != &me && parked_.size() > 1) {
      break;
    }
  }
  if (looker_ == &me) looker_ = nullptr;
  if (!me.called) parked_.erase(std::find(parked_.begin(), parked_.end(), &me));
  handler = me.handler;
  return me.called;
}

void GrpcPollerPool::Poll(Handler* handler) {
  Load load;
  do {
    if (handler != nullptr ? !RunHandlers(*handler, load) : YieldToWaiting()) return;
    handler = nullptr;
  } while (source_.Next(handler));
  internal::MutexLock lock(mutex_);
  --pollers_;
  ended_ = true;
  for (Parked* parked : parked_) parked->wake.Signal();
}

bool GrpcPollerPool::RunHandlers(Handler& handler, Load& load) {
  {
    internal::MutexLock lock(mutex_);
    if (handlers_ >= limits_.max_handlers && !handler.begun()) {
      AddWaiting(handler);
      return true;
    }
    ++handlers_;
    woken_in_a_row_.store(0, std::memory_order_relaxed);
    if (pollers_ == 1 && handler.usual_time().IsLong()) CallPoller();
    LeavePolling();
  }
  bool polls = false;
  for (Handler* next = &handler; next != nullptr; next = AfterHandler(polls)) {
    RunTimed(*next);
    ++load.handlers;
  }
  if (polls && load.handlers >= kHandlersPerStock) {
    Balance(load);
    load = Load();
  }
  return polls;
}

void GrpcPollerPool::RunTimed(Handler& handler) {
  // The handler may be gone when it has run; this is not.
  Handler::UsualTime& usual_time = handler.usual_time();
  awaited_by_this_thread = nanoseconds(0);
  const Clock::time_point start = Clock::now();
  handler.Run();
  usual_time.Add(Clock::now() - start - awaited_by_this_thread);
}

GrpcPollerPool::Handler* GrpcPollerPool::AfterHandler(bool& polls) {
  internal::MutexLock lock(mutex_);
  if (handlers_ <= limits_.max_handlers) {
    if (Handler* const next = NextWaiting(); next != nullptr) return next;
  }
  --handlers_;
  polls = pollers_ < wanted_pollers_ && !poller_awaits_;
  if (polls) ++pollers_;
  return nullptr;
}

void GrpcPollerPool::Await(Completion& completion) {
  if (!completion.pending_.load(std::memory_order_acquire)) return;
  const Clock::time_point start = Clock::now();
  {
    internal::MutexLock lock(mutex_);
    completion.awaited_ = true;
    while (completion.pending_.load(std::memory_order_relaxed)) {
      if (pollers_ == 0) {
        PollFor(completion);
      } else {
        completion.wake_.Wait(mutex_);
      }
    }
    completion.awaited_ = false;
  }
  awaited_by_this_thread += Clock::now() - start;
}

void GrpcPollerPool::PollFor(Completion& completion) {
  ++pollers_;
  poller_awaits_ = true;
  while (completion.pending_.load(std::memory_order_relaxed)) {
    Handler* handler = nullptr;
    mutex_.Unlock();
    source_.Next(handler);
    mutex_.Lock();
    if (handler != nullptr && HandOver(*handler)) return;
  }
  poller_awaits_ = false;
  LeavePolling();
}

bool GrpcPollerPool::HandOver(Handler& handler) {
  if ((handlers_ < limits_.max_handlers || handler.begun()) && CallPoller(&handler)) {
    --pollers_;
    poller_awaits_ = false;
    return true;
  }
  AddWaiting(handler);
  return false;
}

void GrpcPollerPool::Complete(Completion& completion) {
  internal::MutexLock lock(mutex_);
  const bool wakes = completion.awaited_ && !poller_awaits_;
  if (completion.awaited_) completion.wake_.Signal();
  completion.pending_.store(false, std::memory_order_release);
  if (wakes) woken_in_a_row_.fetch_add(1, std::memory_order_relaxed);
}

bool GrpcPollerPool::YieldToWaiting() {
  if (woken_in_a_row_.load(std::memory_order_relaxed) < kWokenInARow) return false;
  internal::MutexLock lock(mutex_);
  woken_in_a_row_.store(0, std::memory_order_relaxed);
  if (wanted_pollers_ > 1) return false;
  LeavePolling();
  return true;
}

void GrpcPollerPool::Balance(const Load& load) {
  const nanoseconds wall = Clock::now() - load.since;
  const nanoseconds cpu = CpuTimeOfThisThread() - load.cpu_before;
  const double busy = static_cast<double>(cpu.count()) / static_cast<double>(wall.count() + 1);
  internal::MutexLock lock(mutex_);
  if (busy >= limits_.busy && wanted_pollers_ < limits_.max_pollers) {
    ++wanted_pollers_;
    CallPoller();
  } else if (busy < kIdle && wanted_pollers_ > 1) {
    --wanted_pollers_;
  }
}

bool GrpcPollerPool::CallPoller(Handler* handler) {
  ++pollers_;
  if (parked_.empty()) {
    if (StartThread(/*polls=*/true, handler)) return true;
    --pollers_;
    return false;
  }
  Parked* called = parked_.back();
  parked_.pop_back();
  if (looker_ == called) looker_ = nullptr;
  called->called = true;
  called->handler = handler;
  called->wake.Signal();
  return true;
}

void GrpcPollerPool::LeavePolling() {
  ++handlers_ever_;
  if (--pollers_ > 0) return;
  unpolled_since_ = Clock::now();
  last_poller_ = progress_of_this_thread;
  patient_looks_ = 0;
  EnsureLooks();
}

void GrpcPollerPool::EnsureLooks() {
  looks_wanted_ = true;
  if (looker_ != nullptr) return;
  quiet_looks_ = 0;
  if (!parked_.empty()) {
    // The one that is called last.
    looker_ = parked_.front();
    looker_->wake.Signal();
  } else if (!looker_starts_) {
    looker_starts_ = StartThread(/*polls=*/false, /*handler=*/nullptr);
  }
}

bool GrpcPollerPool::Look() {
  if (pollers_ == 0) {
    last_poller_.Look();
    if (Clock::now() - unpolled_since_ < kUnpolledPatience) return false;
    return ++patient_looks_ > kPatientLooks || !last_poller_.IsKeptFromRunning();
  }
  quiet_looks_ = handlers_ever_ == handlers_at_look_ ? quiet_looks_ + 1 : 0;
  handlers_at_look_ = handlers_ever_;
  if (quiet_looks_ >= kQuietLooks) {
    looks_wanted_ = false;
    looker_ = nullptr;
  }
  return false;
}

bool GrpcPollerPool::StartThread(bool polls, Handler* handler) {
  threads_.emplace_back();
  const auto self = std::prev(threads_.end());
  try {
    *self = std::thread([this, self, polls, handler] { Run(self, polls, handler); });
    return true;
  } catch (const std::system_error&) {
    threads_.erase(self);
    return false;
  }
}

}  // namespace udsrpc

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

nanoseconds CpuTimeOfThisThread() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

}  // namespace

// A thread with nothing to do, on its own stack.
struct GrpcPollerPool::Parked {
  internal::CondVar wake;
  bool called = false;  // to poll; guarded by the pool's lock
};

// What a polling thread has done since it last took stock.
struct GrpcPollerPool::Load {
  Clock::time_point since = Clock::now();
  nanoseconds cpu_before = CpuTimeOfThisThread();
  int handlers = 0;
};

GrpcPollerPool::GrpcPollerPool(Source& source, const Limits& limits) : source_(source), limits_(limits) {}

GrpcPollerPool::~GrpcPollerPool() = default;

absl::Status GrpcPollerPool::Start() {
  internal::MutexLock lock(mutex_);
  CallPoller();
  if (pollers_ == 1) return absl::OkStatus();
  return absl::ResourceExhaustedError("cannot start a thread for gRPC; raise the limit of threads");
}

std::vector<GrpcPollerPool::Handler*> GrpcPollerPool::TakeWaiting() {
  internal::MutexLock lock(mutex_);
  std::vector<Handler*> taken(waiting_.begin(), waiting_.end());
  waiting_.clear();
  backlogged_.store(false);
  return taken;
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

void GrpcPollerPool::Run(std::list<std::thread>::iterator self, bool polls) {
  pthread_setname_np(pthread_self(), "udsrpc-grpc");
  JoinEnded();
  while (polls || Park()) {
    Poll();
    polls = false;
  }
  internal::MutexLock lock(mutex_);
  ended_threads_.splice(ended_threads_.end(), threads_, self);
  threads_gone_.SignalAll();
}

bool GrpcPollerPool::Park() {
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
  return me.called;
}

void GrpcPollerPool::Poll() {
  Load load;
  for (;;) {
    Handler* handler = nullptr;
    if (!source_.Next(handler)) break;
    if (handler != nullptr && !RunHandlers(*handler, load)) return;
  }
  internal::MutexLock lock(mutex_);
  --pollers_;
  ended_ = true;
  for (Parked* parked : parked_) parked->wake.Signal();
}

bool GrpcPollerPool::RunHandlers(Handler& handler, Load& load) {
  {
    internal::MutexLock lock(mutex_);
    if (handlers_ == limits_.max_handlers) {
      waiting_.push_back(&handler);
      backlogged_.store(true);
      return true;
    }
    ++handlers_;
    ++handlers_ever_;
    if (--pollers_ == 0) {
      if (handler.usual_time().load(std::memory_order_relaxed) >= kLong.count()) {
        CallPoller();
      } else {
        unpolled_since_ = Clock::now();
        EnsureLooks();
      }
    }
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
  const Clock::time_point start = Clock::now();
  handler.Run();
  const int64_t took = nanoseconds(Clock::now() - start).count();
  const int64_t usual = usual_time.load(std::memory_order_relaxed);
  usual_time.store(usual + (took - usual) / kUsualOf, std::memory_order_relaxed);
}

GrpcPollerPool::Handler* GrpcPollerPool::AfterHandler(bool& polls) {
  internal::MutexLock lock(mutex_);
  if (!waiting_.empty()) {
    Handler* next = waiting_.front();
    waiting_.pop_front();
    backlogged_.store(!waiting_.empty());
    return next;
  }
  --handlers_;
  polls = pollers_ < wanted_pollers_;
  if (polls) ++pollers_;
  return nullptr;
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

void GrpcPollerPool::CallPoller() {
  ++pollers_;
  if (parked_.empty()) {
    if (!StartThread(/*polls=*/true)) --pollers_;
    return;
  }
  Parked* called = parked_.back();
  parked_.pop_back();
  if (looker_ == called) looker_ = nullptr;
  called->called = true;
  called->wake.Signal();
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
    looker_starts_ = StartThread(/*polls=*/false);
  }
}

bool GrpcPollerPool::Look() {
  if (pollers_ == 0) return Clock::now() - unpolled_since_ >= kUnpolledPatience;
  quiet_looks_ = handlers_ever_ == handlers_at_look_ ? quiet_looks_ + 1 : 0;
  handlers_at_look_ = handlers_ever_;
  if (quiet_looks_ >= kQuietLooks) {
    looks_wanted_ = false;
    looker_ = nullptr;
  }
  return false;
}

bool GrpcPollerPool::StartThread(bool polls) {
  threads_.emplace_back();
  const auto self = std::prev(threads_.end());
  try {
    *self = std::thread([this, self, polls] { Run(self, polls); });
    return true;
  } catch (const std::system_error&) {
    threads_.erase(self);
    return false;
  }
}

}  // namespace udsrpc

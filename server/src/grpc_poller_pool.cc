#include "server/src/grpc_poller_pool.h"

#include <pthread.h>
#include <time.h>

#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

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
// Of its wall time on a CPU: one more thread is to poll, or one fewer.
constexpr double kBusy = 0.9;
constexpr double kIdle = 0.4;

// How long a thread stays for nothing. gRPC's synchronous server keeps its own for as long.
constexpr absl::Duration kThreadPatience = absl::Seconds(10);

nanoseconds CpuTimeOfThisThread() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

}  // namespace

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
  called_ = 1;
  if (StartThread()) return absl::OkStatus();
  called_ = 0;
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
    while (!threads_.empty()) changed_.Wait(mutex_);
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

void GrpcPollerPool::Run(std::list<std::thread>::iterator self) {
  pthread_setname_np(pthread_self(), "udsrpc-grpc");
  JoinEnded();
  while (BecomePoller()) {
    Load load;
    for (bool polls = true; polls;) {
      Handler* handler = nullptr;
      if (!source_.Next(handler)) {
        internal::MutexLock lock(mutex_);
        --pollers_;
        ended_ = true;
        break;
      }
      if (handler != nullptr) polls = RunHandlers(*handler, load);
    }
  }
  internal::MutexLock lock(mutex_);
  ended_threads_.splice(ended_threads_.end(), threads_, self);
  changed_.SignalAll();
}

bool GrpcPollerPool::BecomePoller() {
  internal::MutexLock lock(mutex_);
  ++parked_;
  bool polls = false;
  for (bool idle = false; !polls && !ended_;) {
    if (called_ > 0) {
      --called_;
      polls = pollers_ < wanted_pollers_;
    } else if (idle && parked_ > 1) {
      break;
    } else if (looks_ && !looking_) {
      looking_ = true;
      changed_.WaitWithTimeout(mutex_, kLookEvery);
      looking_ = false;
      polls = Look();
    } else {
      idle = changed_.WaitWithTimeout(mutex_, kThreadPatience);
    }
  }
  --parked_;
  if (polls) ++pollers_;
  return polls;
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
    ++started_;
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
  // Gone when it has run, but for this.
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
  if (busy > kBusy && wanted_pollers_ < limits_.max_pollers) {
    ++wanted_pollers_;
    CallPoller();
  } else if (busy < kIdle && wanted_pollers_ > 1) {
    --wanted_pollers_;
  }
}

bool GrpcPollerPool::Look() {
  if (pollers_ == 0 && called_ == 0 && Clock::now() - unpolled_since_ >= kUnpolledPatience) return true;
  quiet_looks_ = started_ == started_at_look_ && pollers_ > 0 ? quiet_looks_ + 1 : 0;
  started_at_look_ = started_;
  looks_ = quiet_looks_ < kQuietLooks;
  return false;
}

void GrpcPollerPool::EnsureLooks() {
  if (looks_ && looking_) return;
  looks_ = true;
  quiet_looks_ = 0;
  if (parked_ > called_) {
    changed_.Signal();
  } else {
    StartThread();
  }
}

void GrpcPollerPool::CallPoller() {
  if (parked_ > called_) {
    ++called_;
    changed_.Signal();
  } else {
    ++called_;
    StartThread();
  }
}

bool GrpcPollerPool::StartThread() { return false; }

}  // namespace udsrpc

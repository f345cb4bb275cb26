#include "server/src/grpc_call_set.h"

#include <chrono>
#include <functional>
#include <vector>

#include "absl/time/clock.h"
#include "server/src/grpc_server_call.h"

namespace udsrpc {
namespace {

// Calls asked for at a time. One would do: what comes between two requests waits in the library. With 1, 4, 16 and 64
// the rates differed by less than the noise.
constexpr int kRequestedCalls = 4;

constexpr std::chrono::milliseconds kForgettingPause{10};

// Of requests that wait for handlers, at which no further calls are asked for: four of the largest messages, by
// default, for each call asked for at a time.
constexpr size_t kMostWaitingBytes = 64 << 20;

}  // namespace

GrpcPollerPool::Handler::UsualTime& GrpcCallSet::usual_time(const ServerMethod& method) {
  return usual_times_[std::hash<const void*>()(&method) / alignof(ServerMethod) % kUsualTimes];
}

void GrpcCallSet::Start() {
  for (int i = 0; i < kRequestedCalls; ++i) Request();
}

void GrpcCallSet::Request() { GrpcServerCall::Request(*this, service_, queue_); }

bool GrpcCallSet::HasBacklog() const {
  return pool_.Backlogged() || waiting_bytes_.load(std::memory_order_relaxed) >= kMostWaitingBytes;
}

void GrpcCallSet::RequestAnother() {
  if (!HasBacklog()) return Request();
  postponed_.fetch_add(1);
  // The last of the waiting handlers may have ended since, and found nothing put off.
  RequestPostponed();
}

void GrpcCallSet::RequestPostponed() {
  if (postponed_.load() == 0 || HasBacklog()) return;
  // Before and after: whoever sees nothing put off sees also that this was a moment ago.
  requested_at_.store(GrpcCallers::Clock::now().time_since_epoch());
  for (int n = postponed_.exchange(0); n > 0; --n) Request();
  requested_at_.store(GrpcCallers::Clock::now().time_since_epoch());
}

GrpcCallers::Clock::time_point GrpcCallSet::not_held_back_since() const {
  if (postponed_.load() > 0) return GrpcCallers::Clock::time_point::max();
  return GrpcCallers::Clock::time_point(requested_at_.load());
}

void GrpcCallSet::MayForgetClosedConnections() {
  const GrpcCallers::Clock::time_point now = GrpcCallers::Clock::now();
  GrpcCallers::Clock::duration last = forgot_closed_at_.load();
  if (now.time_since_epoch() - last < kForgettingPause) return;
  if (!forgot_closed_at_.compare_exchange_strong(last, now.time_since_epoch())) return;
  callers_.ForgetClosed(now, not_held_back_since());
}

bool GrpcCallSet::Begin(GrpcServerCall& call, bool reads) {
  internal::MutexLock lock(mutex_);
  ++calls_;
  if (draining_) return false;
  ++running_;
  if (reads) reading_.insert(&call);
  return true;
}

void GrpcCallSet::End(bool running) {
  internal::MutexLock lock(mutex_);
  --calls_;
  if (running) --running_;
  if (running_ > 0) return;
  last_end_ = absl::Now();
  ended_.SignalAll();
}

absl::Time GrpcCallSet::last_end() const {
  internal::MutexLock lock(mutex_);
  return last_end_;
}

bool GrpcCallSet::EndReading(GrpcServerCall& call) {
  internal::MutexLock lock(mutex_);
  return reading_.erase(&call) == 1;
}

void GrpcCallSet::Drain() {
  std::vector<GrpcServerCall*> refused;
  {
    internal::MutexLock lock(mutex_);
    draining_ = true;
    for (GrpcServerCall* call : reading_) {
      call->Ref();  // what awaits kRead goes on from there; this one goes on to kFinished
      refused.push_back(call);
    }
    reading_.clear();
  }
  for (GrpcServerCall* call : refused) call->Refuse();
  for (GrpcPollerPool::Handler* handler : pool_.TakeWaiting()) {
    auto* call = static_cast<GrpcServerCall*>(handler);
    call->Refuse();
    call->Unref();
  }
  // What was left with the clients is asked for now, to be refused as well.
  RequestPostponed();
}

void GrpcCallSet::AwaitRunning(absl::Time deadline) {
  internal::MutexLock lock(mutex_);
  while (running_ > 0 && !ended_.WaitWithDeadline(mutex_, deadline)) continue;
}

void GrpcCallSet::AwaitEnd(absl::Time deadline) {
  internal::MutexLock lock(mutex_);
  while (calls_ > 0 && !ended_.WaitWithDeadline(mutex_, deadline)) continue;
}

}  // namespace udsrpc

#include "server/src/seqpacket_transport.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "common/src/spin_policy.h"
#include "server/src/seqpacket_connection.h"

namespace udsrpc {
namespace {

// More than a few are of use to a server only whose clients keep more than a few CPUs busy; it says so then.
constexpr int kMostLoopsByDefault = 8;

int LoopsFor(const ServerOptions& options) {
  if (options.event_loops > 0) return options.event_loops;
  return std::clamp(SpinPolicy::AvailableCpus() / 2, 1, kMostLoopsByDefault);
}

}  // namespace

absl::StatusOr<std::unique_ptr<SeqpacketServerTransport>> SeqpacketServerTransport::Create(
    const MethodTable& methods, const ServerOptions& options) {
  const auto slots = std::make_shared<HandlerSlots>(options.max_handler_threads);
  Loops loops;
  for (int left = LoopsFor(options); left > 0; --left) {
    absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create(slots, options.spin_budget);
    if (!loop.ok()) {
      for (const auto& started : loops) started->loop->Stop();
      return loop.status();
    }
    loops.push_back(std::make_unique<ServingLoop>(*std::move(loop)));
  }
  return std::make_unique<SeqpacketServerTransport>(methods, options, std::move(loops));
}

SeqpacketServerTransport::~SeqpacketServerTransport() { Shutdown(absl::InfinitePast()); }

absl::Status SeqpacketServerTransport::Adopt(UniqueFd socket, std::shared_ptr<const Caller> caller) {
  std::shared_ptr<SeqpacketServerConnection> connection;
  {
    internal::MutexLock lock(mutex_);
    ServingLoop& loop = **std::min_element(loops_.begin(), loops_.end(), [](const auto& one, const auto& other) {
      return one->connections < other->connections;
    });
    ++loop.connections;
    connection = std::make_shared<SeqpacketServerConnection>(*this, loop, std::move(socket), std::move(caller));
    connections_.insert(connection);
  }
  return connection->Start();
}

void SeqpacketServerTransport::Farewell(absl::Time deadline) {
  for (const auto& connection : Connections()) connection->Farewell();
  internal::MutexLock lock(mutex_);
  while (!connections_.empty() && !farewell_cut_short_ && !drained_.WaitWithDeadline(mutex_, deadline)) {
  }
}

void SeqpacketServerTransport::CutFarewellShort() {
  internal::MutexLock lock(mutex_);
  farewell_cut_short_ = true;
  drained_.SignalAll();
}

void SeqpacketServerTransport::Shutdown(absl::Time deadline) {
  {
    internal::MutexLock lock(mutex_);
    if (std::exchange(shut_down_, true)) return;
  }
  draining_.store(true);
  for (const auto& connection : Connections()) connection->Drain();
  {
    internal::MutexLock lock(mutex_);
    while (!connections_.empty() && !drained_.WaitWithDeadline(mutex_, deadline)) {
    }
  }
  for (const auto& connection : Connections()) connection->Close("the server has shut down");
  {
    internal::MutexLock lock(mutex_);
    while (calls_in_flight_.load() > 0) drained_.Wait(mutex_);
  }
  for (const auto& loop : loops_) loop->loop->Stop();
}

bool SeqpacketServerTransport::CallerServes() {
  return std::any_of(loops_.begin(), loops_.end(), [](const auto& each) { return each->loop->HasCaller(); });
}

void SeqpacketServerTransport::OnCallEnded() {
  // Sequentially consistent, as `draining_` is: either this sees the draining or Shutdown sees this call ended.
  if (calls_in_flight_.fetch_sub(1) == 1 && draining_.load()) {
    internal::MutexLock lock(mutex_);
    drained_.SignalAll();
  }
}

void SeqpacketServerTransport::OnKeptCallEnded() {
  // With the mutex, so that Shutdown does not see the end before this is done with the transport.
  internal::MutexLock lock(mutex_);
  if (calls_in_flight_.fetch_sub(1) == 1) drained_.SignalAll();
}

void SeqpacketServerTransport::OnConnectionClosed(const std::shared_ptr<SeqpacketServerConnection>& connection) {
  internal::MutexLock lock(mutex_);
  if (connections_.erase(connection) > 0) --connection->serving_loop().connections;
  if (connections_.empty()) drained_.SignalAll();
}

std::vector<std::shared_ptr<SeqpacketServerConnection>> SeqpacketServerTransport::Connections() {
  internal::MutexLock lock(mutex_);
  return {connections_.begin(), connections_.end()};
}

}  // namespace udsrpc

#include "server/src/seqpacket_transport.h"

#include <memory>
#include <utility>

#include "server/src/seqpacket_connection.h"

namespace udsrpc {

absl::StatusOr<std::unique_ptr<SeqpacketServerTransport>> SeqpacketServerTransport::Create(
    const MethodTable& methods, const ServerOptions& options) {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create(options.max_handler_threads, options.spin_budget);
  if (!loop.ok()) return loop.status();
  return std::unique_ptr<SeqpacketServerTransport>(new SeqpacketServerTransport(methods, options, *std::move(loop)));
}

SeqpacketServerTransport::~SeqpacketServerTransport() { Shutdown(absl::InfinitePast()); }

void SeqpacketServerTransport::Adopt(UniqueFd socket) {
  auto connection = std::make_shared<SeqpacketServerConnection>(*this, std::move(socket));
  {
    internal::MutexLock lock(mutex_);
    connections_.insert(connection);
  }
  connection->Start();
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
  loop_->Stop();
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
  connections_.erase(connection);
  if (connections_.empty()) drained_.SignalAll();
}

std::vector<std::shared_ptr<SeqpacketServerConnection>> SeqpacketServerTransport::Connections() {
  internal::MutexLock lock(mutex_);
  return {connections_.begin(), connections_.end()};
}

}  // namespace udsrpc

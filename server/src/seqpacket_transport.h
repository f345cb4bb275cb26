#ifndef UDSRPC_SERVER_SEQPACKET_TRANSPORT_H_
#define UDSRPC_SERVER_SEQPACKET_TRANSPORT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "server/src/dispatch.h"
#include "server/src/event_loop.h"
#include "server/src/packet_pool.h"
#include "server/src/server_transport.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/server.h"

namespace udsrpc {

class SeqpacketServerConnection;

// Serves seqpacket connections from one event loop.
class SeqpacketServerTransport final : public ServerTransport {
 public:
  // `methods` must outlive the transport. RESOURCE_EXHAUSTED: no descriptor left.
  static absl::StatusOr<std::unique_ptr<SeqpacketServerTransport>> Create(const MethodTable& methods,
                                                                          const ServerOptions& options);
  ~SeqpacketServerTransport() override;

  void Adopt(UniqueFd socket) override;
  void Shutdown(absl::Time deadline) override;

  // For connections.
  const MethodTable& methods() const { return methods_; }
  const ServerOptions& options() const { return options_; }
  EventLoop& loop() { return *loop_; }
  // Where the loop's leader is to read the next packet. Stays as it is until it asks again.
  const PacketPool::Buffer& PacketToRead() {
    if (!packet_to_read_ || !packet_to_read_.unshared()) packet_to_read_ = packets_.Get();
    return packet_to_read_;
  }
  void OnCallStarted() { calls_in_flight_.fetch_add(1, std::memory_order_relaxed); }
  // The last that a call does, on a thread of the loop.
  void OnCallEnded();
  // The same on any thread. The transport may be gone when this returns.
  void OnKeptCallEnded();
  void OnConnectionClosed(const std::shared_ptr<SeqpacketServerConnection>& connection);

 private:
  SeqpacketServerTransport(const MethodTable& methods, const ServerOptions& options, std::unique_ptr<EventLoop> loop)
      : methods_(methods), options_(options), loop_(std::move(loop)) {}

  std::vector<std::shared_ptr<SeqpacketServerConnection>> Connections();

  const MethodTable& methods_;
  const ServerOptions options_;
  PacketPool packets_;
  PacketPool::Buffer packet_to_read_;  // the leader's
  std::atomic<int64_t> calls_in_flight_{0};
  std::atomic<bool> draining_{false};

  internal::Mutex mutex_;
  internal::CondVar drained_;
  absl::flat_hash_set<std::shared_ptr<SeqpacketServerConnection>> connections_ ABSL_GUARDED_BY(mutex_);
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;

  const std::unique_ptr<EventLoop> loop_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_SEQPACKET_TRANSPORT_H_

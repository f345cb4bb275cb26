#ifndef UDSRPC_SERVER_SEQPACKET_TRANSPORT_H_
#define UDSRPC_SERVER_SEQPACKET_TRANSPORT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "common/src/wire/packet_buffer.h"
#include "server/src/dispatch.h"
#include "server/src/event_loop.h"
#include "server/src/server_transport.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/server.h"

namespace udsrpc {

class SeqpacketServerConnection;

// An event loop, and what goes with it.
struct ServingLoop {
  explicit ServingLoop(std::unique_ptr<EventLoop> started) : loop(std::move(started)) {}

  // Where the loop's leader is to read the next packet. Stays as it is until it asks again.
  const PacketBuffer& PacketToRead() {
    packet_to_read.MakeUnshared();
    return packet_to_read;
  }

  PacketBuffer packet_to_read;
  size_t connections = 0;  // guarded by the transport's mutex
  const std::unique_ptr<EventLoop> loop;
};

// Serves seqpacket connections from a few event loops, each connection from one of them.
class SeqpacketServerTransport final : public ServerTransport {
 public:
  using Loops = std::vector<std::unique_ptr<ServingLoop>>;

  // `methods` must outlive the transport. RESOURCE_EXHAUSTED: no descriptor left.
  static absl::StatusOr<std::unique_ptr<SeqpacketServerTransport>> Create(const MethodTable& methods,
                                                                          const ServerOptions& options);
  // With loops of the caller's making, one at least.
  SeqpacketServerTransport(const MethodTable& methods, const ServerOptions& options, Loops loops)
      : methods_(methods), options_(options), loops_(std::move(loops)) {}
  ~SeqpacketServerTransport() override;

  absl::Status Adopt(UniqueFd socket, std::shared_ptr<const Caller> caller) override;
  void Farewell(absl::Time deadline) override;
  void CutFarewellShort() override;
  void Shutdown(absl::Time deadline) override;
  bool CallerServes() override;

  // For connections.
  const MethodTable& methods() const { return methods_; }
  const ServerOptions& options() const { return options_; }
  void OnCallStarted() { calls_in_flight_.fetch_add(1, std::memory_order_relaxed); }
  // The last that a call does, on a thread of the loop.
  void OnCallEnded();
  // The same on any thread. The transport may be gone when this returns.
  void OnKeptCallEnded();
  void OnConnectionClosed(const std::shared_ptr<SeqpacketServerConnection>& connection);

 private:
  std::vector<std::shared_ptr<SeqpacketServerConnection>> Connections();

  const MethodTable& methods_;
  const ServerOptions options_;
  std::atomic<int64_t> calls_in_flight_{0};
  std::atomic<bool> draining_{false};

  internal::Mutex mutex_;
  internal::CondVar drained_;
  absl::flat_hash_set<std::shared_ptr<SeqpacketServerConnection>> connections_ ABSL_GUARDED_BY(mutex_);
  bool farewell_cut_short_ ABSL_GUARDED_BY(mutex_) = false;
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;

  const Loops loops_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_SEQPACKET_TRANSPORT_H_

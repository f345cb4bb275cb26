#ifndef UDSRPC_SERVER_SERVER_TRANSPORT_H_
#define UDSRPC_SERVER_SERVER_TRANSPORT_H_

#include <memory>

#include "absl/time/time.h"
#include "udsrpc/peer.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

// Serves accepted connections of one kind: our listener accepts and admits, a transport does the rest. Thread-safe.
class ServerTransport {
 public:
  // After Shutdown only.
  virtual ~ServerTransport() = default;

  // Takes a connected, non-blocking, close-on-exec socket of `peer`, who was admitted. Never blocks for long.
  virtual void Adopt(UniqueFd connection, std::shared_ptr<const Peer> peer) = 0;

  // A connection could not be accepted: closes what is kept and not needed. By the thread that adopts.
  virtual void OnNoDescriptorLeft() {}

  // See Server::Shutdown. Nothing is adopted during or after it.
  virtual void Shutdown(absl::Time deadline) = 0;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_SERVER_TRANSPORT_H_

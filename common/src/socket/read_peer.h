#ifndef UDSRPC_COMMON_SOCKET_READ_PEER_H_
#define UDSRPC_COMMON_SOCKET_READ_PEER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "udsrpc/peer.h"

namespace udsrpc {

// Who is at the other end of a connected socket. `endpoint` and `transport` are what the peer is to say of them.
// RESOURCE_EXHAUSTED: no descriptor left.
absl::StatusOr<std::shared_ptr<const Peer>> ReadPeer(int fd, std::string endpoint, Transport transport,
                                                     bool with_pidfd);

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_SOCKET_READ_PEER_H_

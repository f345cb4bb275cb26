#ifndef UDSRPC_COMMON_SOCKET_CONNECTED_SOCKET_H_
#define UDSRPC_COMMON_SOCKET_CONNECTED_SOCKET_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/src/socket/socket_address.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

// A socket that somebody else has made and connected, as by socketpair(2), made non-blocking and close-on-exec; and
// which transport's it is. INVALID_ARGUMENT: it is not such a Unix socket, of type SOCK_STREAM or SOCK_SEQPACKET; then
// it is left as it was.
absl::StatusOr<SocketKind> PrepareConnectedSocket(int fd);

// The target of the endpoint to which the other end of a connected socket is bound, as an endpoint's socket of that
// kind is; another path, for one of kSeqpacket, as it is. Empty: to none, or what it is bound to is no endpoint.
std::string PeerTarget(int fd, SocketKind kind);

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_SOCKET_CONNECTED_SOCKET_H_

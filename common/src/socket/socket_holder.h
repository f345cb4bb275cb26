#ifndef UDSRPC_COMMON_SOCKET_SOCKET_HOLDER_H_
#define UDSRPC_COMMON_SOCKET_SOCKET_HOLDER_H_

#include "absl/status/status.h"
#include "common/src/socket/socket_address.h"
#include "udsrpc/endpoint.h"

namespace udsrpc {

// Whether a socket can be bound at `address`, which is one of `endpoint`'s, without taking it from anybody. What cannot
// be found out counts as held: the errors are those of ClaimError, and UNAVAILABLE.

// OK: nobody listens at `reachable`, which is another way to `address` or the same. ALREADY_EXISTS: somebody does, who
// is named by pid where the kernel knows it.
absl::Status CheckNobodyListens(const Endpoint& endpoint, const SocketAddress& address, SocketKind kind,
                                const SocketAddress& reachable);

// Of a path, whose directory is `directory` and locked. OK: nothing is there, or a socket file whose socket is no more.
// ALREADY_EXISTS: a socket is bound to it, be it one that listens or a client's own end; or it is no socket.
absl::Status CheckPathIsFree(const Endpoint& endpoint, const SocketAddress& address, SocketKind kind, int directory);

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_SOCKET_SOCKET_HOLDER_H_

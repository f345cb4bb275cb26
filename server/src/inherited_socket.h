#ifndef UDSRPC_SERVER_INHERITED_SOCKET_H_
#define UDSRPC_SERVER_INHERITED_SOCKET_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/src/socket/socket_address.h"
#include "udsrpc/endpoint.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

// A listening socket that another process has bound: a service manager, or the server before this one.
struct InheritedSocket {
  UniqueFd fd;
  SocketKind kind;
  Endpoint endpoint;  // as clients name it
};

// Which of an endpoint's sockets `fd` is, made non-blocking and close-on-exec. INVALID_ARGUMENT, with what to do: it is
// no listening Unix socket of one of the two types, or no client would look for it at its address. `name` stands for
// it in messages.
absl::StatusOr<InheritedSocket> InspectInheritedSocket(UniqueFd fd, absl::string_view name);

// The kind of a listening Unix socket, which is made non-blocking and close-on-exec. INVALID_ARGUMENT: it is none.
absl::StatusOr<SocketKind> InspectListeningSocket(int fd, absl::string_view name);

// Whether the socket is bound to just this address. A long path has none that could be compared.
bool IsBoundTo(int fd, const SocketAddress& address);

// From now on, who connects sees this process as the one that listens (SO_PEERCRED), not the one that did before.
void ListenAsThisProcess(int fd);

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_INHERITED_SOCKET_H_

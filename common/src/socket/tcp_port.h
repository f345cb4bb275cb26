#ifndef UDSRPC_COMMON_SOCKET_TCP_PORT_H_
#define UDSRPC_COMMON_SOCKET_TCP_PORT_H_

#include <string>

#include "absl/status/status.h"

namespace udsrpc {

// Whether a server could listen on this TCP port at the moment: for a message that says why not, where whoever listens
// says nothing. `host` is a name, which is looked up (and may block for as long), or a numeric address; `port` may be
// 0. `shared`: beside another server that shares it likewise (SO_REUSEPORT). ALREADY_EXISTS: somebody listens there.
// PERMISSION_DENIED: this user may not. INVALID_ARGUMENT: the name is none, or the address is none of this host.
// RESOURCE_EXHAUSTED: no descriptor left. INTERNAL: another reason of the kernel's.
absl::Status CheckPortIsFree(const std::string& host, int port, bool shared);

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_SOCKET_TCP_PORT_H_

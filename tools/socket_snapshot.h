#ifndef UDSRPC_TOOLS_SOCKET_SNAPSHOT_H_
#define UDSRPC_TOOLS_SOCKET_SNAPSHOT_H_

#include <string>

#include "absl/status/statusor.h"
#include "tools/socket_tree.h"

namespace udsrpc::tools {

// Looks at this host's sockets and processes; connects to nobody. Blocks for as long as the kernel takes, which is tens
// of milliseconds with a thousand processes. `why_no_peers` is empty where the kernel tells who is connected to whom.
// UNAVAILABLE: there is no /proc either.
absl::StatusOr<SocketSnapshot> TakeSocketSnapshot(std::string* why_no_peers);

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_SOCKET_SNAPSHOT_H_

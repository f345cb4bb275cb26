#ifndef UDSRPC_TOOLS_FOUND_SERVER_H_
#define UDSRPC_TOOLS_FOUND_SERVER_H_

#include <sys/types.h>

#include <optional>
#include <string>

#include "udsrpc/transport.h"

namespace udsrpc::tools {

// Who listens at a target, as far as a connection tells, which is closed again.
struct FoundServer {
  // Of the process that has called listen(2). Nothing: nobody's that can be seen from here.
  std::optional<pid_t> pid;
  bool has_seqpacket = false;
};

// Blocks for at most 2 s, where the server's backlog is full. `transport`: whose socket's process is wanted, where the
// two have different ones.
FoundServer FindServer(const std::string& target, Transport transport);

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_FOUND_SERVER_H_

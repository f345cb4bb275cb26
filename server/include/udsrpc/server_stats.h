#ifndef UDSRPC_SERVER_STATS_H_
#define UDSRPC_SERVER_STATS_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "udsrpc/method_stats.h"
#include "udsrpc/transport.h"

namespace udsrpc {

// What a server has counted since it started, over both transports: see Server::Stats. A call is counted from when its
// request, or of a stream its beginning, was read until its status is on its way to the client: a client that has its
// status finds the call counted. A call that nobody waits for any more has ended with CANCELLED, or with
// DEADLINE_EXCEEDED, whatever its handler says, and has so when its handler has ended. A call that never got as far as
// a handler (refused by admission, by a limit, by a draining server) is counted with the status that it got.

// Of the connections that one process has made and that are open. Remote callers (Peer::remote) are none: gRPC does not
// tell of their connections, so their calls are counted by method only.
struct PeerStats {
  // As Peer::pid and Peer::uid: pid 0 is all processes of that user that the server's pid namespace does not contain.
  pid_t pid = 0;
  uid_t uid = 0;
  size_t connections = 0;
  // Calls of these connections: all, those that have not ended, and those that have ended with another status than OK.
  uint64_t started = 0;
  uint64_t in_flight = 0;
  uint64_t errors = 0;
};

// Of the connections over one transport, but for those to remote endpoints, which are not counted.
struct TransportStats {
  Transport transport = Transport::kGrpc;
  // Connections that are open, and all since the start, those whose calls are refused among them. Over gRPC a
  // connection that has been closed may count as open for a moment, or until a handler of its has returned.
  size_t connections = 0;
  uint64_t accepted = 0;
};

// A value; taking it does not hold up any call.
struct ServerStats {
  absl::Time started;
  absl::Duration uptime;
  // In the order in which their services were registered, those without a call, too; and last the one without a name.
  std::vector<MethodStats> methods;
  // Those with the most calls first. There are no more than there are connections.
  std::vector<PeerStats> peers;
  // Both, whether or not the server offers them.
  std::vector<TransportStats> transports;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_STATS_H_

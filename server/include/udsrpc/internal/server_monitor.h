#ifndef UDSRPC_INTERNAL_SERVER_MONITOR_H_
#define UDSRPC_INTERNAL_SERVER_MONITOR_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "udsrpc/peer.h"
#include "udsrpc/server_stats.h"

namespace udsrpc::internal {

// A call that has ended. Its views are valid while the listener is told.
struct CallEnd {
  absl::string_view method;  // as the client named it
  absl::StatusCode code = absl::StatusCode::kOk;
  absl::string_view message;
  uint64_t nanoseconds = 0;
  uint64_t received_messages = 0;
  uint64_t received_bytes = 0;
  uint64_t sent_messages = 0;
  uint64_t sent_bytes = 0;
  const Peer* peer = nullptr;  // null: gRPC did not say
};

class CallEndListener {
 public:
  // By many threads at once, with locks of the server's held: must neither block nor call the server.
  virtual void OnCallEnd(const CallEnd& call) = 0;

 protected:
  ~CallEndListener() = default;
};

// What an extension may see of its server. Thread-safe.
class ServerMonitor {
 public:
  // See Server::Stats.
  virtual ServerStats Stats() = 0;

  // Has `listener` told of each call that ends from now on; null: nobody, which costs the calls nothing. A call may be
  // under way to the former one when this returns, so that one must outlive the server.
  virtual void SetListener(CallEndListener* listener) = 0;

 protected:
  ~ServerMonitor() = default;
};

}  // namespace udsrpc::internal

#endif  // UDSRPC_INTERNAL_SERVER_MONITOR_H_

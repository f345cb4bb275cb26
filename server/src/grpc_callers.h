#ifndef UDSRPC_SERVER_GRPC_CALLERS_H_
#define UDSRPC_SERVER_GRPC_CALLERS_H_

#include <grpcpp/server_context.h>

#include <chrono>
#include <memory>

#include "server/src/caller.h"

namespace udsrpc {

// Who makes the calls of a gRPC server. Thread-safe.
class GrpcCallers {
 public:
  using Clock = std::chrono::steady_clock;

  virtual ~GrpcCallers() = default;

  // Whose call it is, which has begun. Null: it is not known.
  virtual std::shared_ptr<const Caller> Of(const grpc::ServerContext& call) const = 0;

  // Has the connection end from which the call came, where that is in our hands.
  virtual void CloseConnection(const grpc::ServerContext& call) = 0;

  // Whether the connection from which the call came has ended, where that is known.
  virtual bool HasConnectionEnded(const grpc::ServerContext& call) const = 0;

  // Notices which connections have been closed. `not_held_back_since`: since when the library did not have to hold
  // calls back; time_point::max() while it does.
  virtual void ForgetClosed(Clock::time_point now, Clock::time_point not_held_back_since) = 0;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_GRPC_CALLERS_H_

#ifndef UDSRPC_SERVER_GRPC_REMOTE_CALLERS_H_
#define UDSRPC_SERVER_GRPC_REMOTE_CALLERS_H_

#include <memory>

#include "server/src/grpc_callers.h"
#include "server/src/user.h"
#include "udsrpc/server.h"

namespace udsrpc {

// Who makes the calls that come by the network, by what the library says of each: its address, and what its credentials
// have proved. All of them are one user, none of this host's. The library has their connections, and neither counts
// them nor says which have ended. Thread-safe.
class GrpcRemoteCallers final : public GrpcCallers {
 public:
  explicit GrpcRemoteCallers(const UserLimits& limits) : user_(std::make_shared<User>(limits)) {}

  // All that they show has been verified; until this is called nobody is taken for whom they say to be. Before the
  // first call.
  void AreVerified() { verified_ = true; }

  std::shared_ptr<const Caller> Of(const grpc::ServerContext& call) const override;
  void CloseConnection(const grpc::ServerContext& /*call*/) override {}
  bool HasConnectionEnded(const grpc::ServerContext& /*call*/) const override { return false; }
  void ForgetClosed(Clock::time_point /*now*/, Clock::time_point /*not_held_back_since*/) override {}

 private:
  const std::shared_ptr<User> user_;
  bool verified_ = false;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_GRPC_REMOTE_CALLERS_H_

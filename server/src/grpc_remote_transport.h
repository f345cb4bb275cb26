#ifndef UDSRPC_SERVER_GRPC_REMOTE_TRANSPORT_H_
#define UDSRPC_SERVER_GRPC_REMOTE_TRANSPORT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/src/remote_target.h"
#include "server/src/dispatch.h"
#include "server/src/server_transport.h"
#include "udsrpc/server.h"

namespace udsrpc {

struct RemoteEndpoint {
  RemoteTarget target;
  std::shared_ptr<const ServerCredentials> credentials;  // not null
};

// Serves TCP ports with the gRPC library, which listens on them itself: it has a server of its own, so that its callers
// take no thread from those of the host. They wait until Begin. `methods` must outlive the transport. Puts the targets,
// with the ports that were chosen, behind `*targets`. `shared`: another process of this user may listen on the same
// ports, if it wants that as well. Codes as those of ServerBuilder::Start.
absl::StatusOr<std::unique_ptr<ServerTransport>> MakeGrpcRemoteTransport(const MethodTable& methods,
                                                                         const ServerOptions& options,
                                                                         const std::vector<RemoteEndpoint>& endpoints,
                                                                         bool shared,
                                                                         std::vector<std::string>* targets);

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_GRPC_REMOTE_TRANSPORT_H_

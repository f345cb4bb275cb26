#ifndef UDSRPC_SERVER_GRPC_TRANSPORT_H_
#define UDSRPC_SERVER_GRPC_TRANSPORT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "server/src/dispatch.h"
#include "server/src/server_transport.h"
#include "udsrpc/server.h"

namespace udsrpc {

// Serves connections with the gRPC library. `methods` must outlive the transport. UNIMPLEMENTED in a program that is
// linked without it; INTERNAL where the library does not start.
absl::StatusOr<std::unique_ptr<ServerTransport>> MakeGrpcServerTransport(const MethodTable& methods,
                                                                         const ServerOptions& options);

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_GRPC_TRANSPORT_H_

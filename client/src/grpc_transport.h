#ifndef UDSRPC_CLIENT_GRPC_TRANSPORT_H_
#define UDSRPC_CLIENT_GRPC_TRANSPORT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "client/src/client_transport.h"
#include "client/src/dialer.h"
#include "common/src/remote_target.h"
#include "udsrpc/channel.h"
#include "udsrpc/endpoint.h"

namespace udsrpc {

// Calls over the gRPC library. UNIMPLEMENTED in a program that is linked without it. INVALID_ARGUMENT: see
// CreateChannel.
absl::StatusOr<std::unique_ptr<ClientTransport>> MakeGrpcClientTransport(const Endpoint& endpoint,
                                                                         const ChannelOptions& options);
// On the connections of `dialer`.
absl::StatusOr<std::unique_ptr<ClientTransport>> MakeGrpcClientTransport(std::unique_ptr<Dialer> dialer,
                                                                         const ChannelOptions& options);
// To another host, with `options.credentials`, which are not null.
absl::StatusOr<std::unique_ptr<ClientTransport>> MakeGrpcClientTransport(const RemoteTarget& target,
                                                                         const ChannelOptions& options);

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_TRANSPORT_H_

#include "server/src/grpc_remote_transport.h"
#include "server/src/grpc_transport.h"

// Linked in the place of grpc_transport.cc by programs that want seqpacket alone.

namespace udsrpc {

absl::StatusOr<std::unique_ptr<ServerTransport>> MakeGrpcServerTransport(const MethodTable& /*methods*/,
                                                                         const ServerOptions& /*options*/) {
  return absl::UnimplementedError(
      "this program is linked without gRPC; link udsrpc::udsrpc, or set EndpointOptions::grpc to false");
}

absl::StatusOr<std::unique_ptr<ServerTransport>> MakeGrpcRemoteTransport(
    const MethodTable& /*methods*/, const ServerOptions& /*options*/, const std::vector<RemoteEndpoint>& /*endpoints*/,
    bool /*shared*/, std::vector<std::string>* /*targets*/) {
  return absl::UnimplementedError("this program is linked without gRPC; link udsrpc::remote for remote endpoints");
}

}  // namespace udsrpc

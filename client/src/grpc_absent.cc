#include "client/src/grpc_transport.h"

// Linked in the place of grpc_transport.cc by programs that want seqpacket alone.

namespace udsrpc {

absl::StatusOr<std::unique_ptr<ClientTransport>> MakeGrpcClientTransport(const Endpoint& endpoint,
                                                                         const ChannelOptions& /*options*/) {
  return absl::UnimplementedError(
      endpoint.ToString() + ": this program is linked without gRPC; link udsrpc::udsrpc, or use Transport::kSeqpacket");
}

}  // namespace udsrpc

#include <string>

#include "absl/strings/str_cat.h"
#include "client/src/grpc_transport.h"

// Linked in the place of grpc_transport.cc by programs that want seqpacket alone.

namespace udsrpc {
namespace {

absl::Status NotLinked(const std::string& name) {
  return absl::UnimplementedError(
      absl::StrCat(name, ": this program is linked without gRPC; link udsrpc::udsrpc, or use Transport::kSeqpacket"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ClientTransport>> MakeGrpcClientTransport(const Endpoint& endpoint,
                                                                         const ChannelOptions& /*options*/) {
  return NotLinked(endpoint.ToString());
}

absl::StatusOr<std::unique_ptr<ClientTransport>> MakeGrpcClientTransport(std::unique_ptr<Dialer> dialer,
                                                                         const ChannelOptions& /*options*/) {
  return NotLinked(dialer->name());
}

absl::StatusOr<std::unique_ptr<ClientTransport>> MakeGrpcClientTransport(const RemoteTarget& target,
                                                                         const ChannelOptions& /*options*/) {
  return absl::UnimplementedError(
      absl::StrCat(target.ToString(), ": this program is linked without gRPC; link udsrpc::remote to leave the host"));
}

}  // namespace udsrpc

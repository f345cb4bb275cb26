#include <algorithm>
#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "client/src/auto_transport.h"
#include "client/src/grpc_transport.h"
#include "client/src/seqpacket_transport.h"
#include "udsrpc/channel.h"
#include "udsrpc/endpoint.h"

namespace udsrpc {
namespace {

// See ChannelOptions::keepalive_time.
constexpr absl::Duration kMinKeepaliveTime = absl::Milliseconds(10);

absl::StatusOr<std::unique_ptr<ClientTransport>> MakeTransport(const Endpoint& endpoint,
                                                               const ChannelOptions& options) {
  if (options.transport == Transport::kGrpc) return MakeGrpcClientTransport(endpoint, options);
  absl::StatusOr<std::unique_ptr<SeqpacketTransport>> seqpacket = SeqpacketTransport::Create(endpoint, options);
  if (options.transport == Transport::kSeqpacket) return seqpacket;
  absl::StatusOr<std::unique_ptr<ClientTransport>> grpc = MakeGrpcClientTransport(endpoint, options);
  // Auto means whichever of the two there can be.
  if (!seqpacket.ok()) return grpc;
  if (!grpc.ok()) return seqpacket;
  return std::make_unique<AutoTransport>(*std::move(seqpacket), *std::move(grpc));
}

}  // namespace

absl::StatusOr<std::shared_ptr<Channel>> CreateChannel(absl::string_view target, const ChannelOptions& options) {
  absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(target);
  if (!endpoint.ok()) return endpoint.status();
  ChannelOptions effective = options;
  effective.keepalive_time = std::max(options.keepalive_time, kMinKeepaliveTime);
  absl::StatusOr<std::unique_ptr<ClientTransport>> transport = MakeTransport(*endpoint, effective);
  if (!transport.ok()) return transport.status();
  return std::shared_ptr<Channel>(new Channel(endpoint->ToString(), effective, *std::move(transport)));
}

}  // namespace udsrpc

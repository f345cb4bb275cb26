#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/src/auto_transport.h"
#include "client/src/dialer.h"
#include "client/src/grpc_transport.h"
#include "client/src/seqpacket_transport.h"
#include "common/src/remote_target.h"
#include "common/src/socket/connected_socket.h"
#include "udsrpc/channel.h"
#include "udsrpc/endpoint.h"

namespace udsrpc {
namespace {

// See ChannelOptions::keepalive_time.
constexpr absl::Duration kMinKeepaliveTime = absl::Milliseconds(10);

ChannelOptions EffectiveOptions(ChannelOptions options) {
  options.keepalive_time = std::max(options.keepalive_time, kMinKeepaliveTime);
  return options;
}

absl::StatusOr<std::unique_ptr<SeqpacketTransport>> MakeSeqpacketTransport(const Endpoint& endpoint,
                                                                           const ChannelOptions& options) {
  absl::StatusOr<std::unique_ptr<Dialer>> dialer = Dialer::To(endpoint, SocketKind::kSeqpacket, options);
  if (!dialer.ok()) return dialer.status();
  return std::make_unique<SeqpacketTransport>(*std::move(dialer), options);
}

absl::StatusOr<std::unique_ptr<ClientTransport>> MakeTransport(const Endpoint& endpoint,
                                                               const ChannelOptions& options) {
  if (options.transport == Transport::kGrpc) return MakeGrpcClientTransport(endpoint, options);
  absl::StatusOr<std::unique_ptr<SeqpacketTransport>> seqpacket = MakeSeqpacketTransport(endpoint, options);
  if (options.transport == Transport::kSeqpacket) return seqpacket;
  absl::StatusOr<std::unique_ptr<ClientTransport>> grpc = MakeGrpcClientTransport(endpoint, options);
  // Auto means whichever of the two there can be.
  if (!seqpacket.ok()) return grpc;
  if (!grpc.ok()) return seqpacket;
  return std::make_unique<AutoTransport>(*std::move(seqpacket), *std::move(grpc));
}

absl::Status CheckFdOptions(int fd, Transport transport, const ChannelOptions& options) {
  if (options.transport != Transport::kAuto && options.transport != transport) {
    return absl::InvalidArgumentError(absl::StrCat("descriptor ", fd, " is a socket for ", TransportName(transport),
                                                   ", and ChannelOptions::transport says ",
                                                   TransportName(options.transport), "; set that, or kAuto"));
  }
  if (options.local_address.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("descriptor ", fd, " is connected already, and so cannot be given a ChannelOptions::local_address"));
}

absl::Status CheckRemoteOptions(const RemoteTarget& target, const ChannelOptions& options) {
  const auto invalid = [&target](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(target.ToString(), ": ", what));
  };
  if (options.credentials == nullptr) {
    return invalid(
        "it leaves the host, where no kernel says who answers, so it needs ChannelOptions::credentials; set "
        "GrpcCredentials(grpc::SslCredentials(...)) of udsrpc/grpc_credentials.h");
  }
  if (options.transport == Transport::kSeqpacket) {
    return invalid(
        "seqpacket does not leave the host; set Transport::kGrpc, or kAuto, which is right for every target");
  }
  if (!options.local_address.empty()) {
    return invalid("ChannelOptions::local_address is for Unix sockets, and this is none; leave it empty");
  }
  if (!options.server_uids.empty()) {
    return invalid(
        "ChannelOptions::server_uids are users of this host, whom the kernel knows; of other hosts the credentials say "
        "who may be the server, so leave it empty");
  }
  if (options.max_receive_fds != 0) {
    return invalid("descriptors do not leave the host; leave ChannelOptions::max_receive_fds at 0");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<Channel>> CreateChannel(absl::string_view target, const ChannelOptions& options) {
  ChannelOptions effective = EffectiveOptions(options);
  if (RemoteTarget::HasScheme(target)) {
    absl::StatusOr<RemoteTarget> remote = RemoteTarget::Parse(target);
    if (!remote.ok()) return remote.status();
    if (absl::Status status = CheckRemoteOptions(*remote, options); !status.ok()) return status;
    effective.transport = Transport::kGrpc;
    absl::StatusOr<std::unique_ptr<ClientTransport>> transport = MakeGrpcClientTransport(*remote, effective);
    if (!transport.ok()) return transport.status();
    return std::shared_ptr<Channel>(new Channel(remote->ToString(), effective, *std::move(transport)));
  }
  absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(target);
  if (!endpoint.ok()) return endpoint.status();
  absl::StatusOr<std::unique_ptr<ClientTransport>> transport = MakeTransport(*endpoint, effective);
  if (!transport.ok()) return transport.status();
  return std::shared_ptr<Channel>(new Channel(endpoint->ToString(), effective, *std::move(transport)));
}

absl::StatusOr<std::shared_ptr<Channel>> CreateChannelFromFd(UniqueFd fd, const ChannelOptions& options) {
  const absl::StatusOr<SocketKind> kind = PrepareConnectedSocket(fd.get());
  if (!kind.ok()) return kind.status();
  ChannelOptions effective = EffectiveOptions(options);
  effective.transport = *kind == SocketKind::kStream ? Transport::kGrpc : Transport::kSeqpacket;
  if (absl::Status status = CheckFdOptions(fd.get(), effective.transport, options); !status.ok()) return status;
  const std::string name = absl::StrCat("fd:", fd.get());
  std::unique_ptr<Dialer> dialer = Dialer::With(std::move(fd), name, *kind, effective);
  absl::StatusOr<std::unique_ptr<ClientTransport>> transport;
  if (*kind == SocketKind::kStream) {
    transport = MakeGrpcClientTransport(std::move(dialer), effective);
  } else {
    transport = std::make_unique<SeqpacketTransport>(std::move(dialer), effective);
  }
  if (!transport.ok()) return transport.status();
  return std::shared_ptr<Channel>(new Channel(name, effective, *std::move(transport)));
}

}  // namespace udsrpc

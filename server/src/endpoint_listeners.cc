#include "server/src/endpoint_listeners.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace udsrpc {
namespace {

// Those of the endpoint's sockets that the running server hands over; takes their kinds out of `kinds`.
std::vector<ListeningSocket> TakeOver(const Endpoint& endpoint, TakeoverSuccessor& predecessor,
                                      std::vector<SocketKind>& kinds) {
  std::vector<ListeningSocket> taken;
  std::vector<SocketKind> others;
  for (const SocketKind kind : kinds) {
    std::optional<ListeningSocket> socket = predecessor.Take(endpoint, kind);
    if (socket.has_value()) {
      taken.push_back(*std::move(socket));
    } else {
      others.push_back(kind);
    }
  }
  kinds = std::move(others);
  return taken;
}

absl::StatusOr<ListeningSocket::Claimed> Claim(const Endpoint& endpoint, const std::vector<SocketKind>& kinds,
                                               const EndpointOptions& options) {
  if (kinds.empty()) return ListeningSocket::Claimed{.endpoint = endpoint, .sockets = {}};
  return ListeningSocket::Open(endpoint, kinds, options);
}

}  // namespace

Admission AdmissionFor(bool reachable_by_all, const EndpointOptions& options) {
  const bool anybody = !reachable_by_all && options.allowed_uids.empty() && options.allowed_gids.empty();
  return anybody ? Admission() : Admission::For(options.allowed_uids, options.allowed_gids);
}

bool EndpointListeners::IsPassed(const Endpoint& endpoint, SocketKind kind) const {
  return std::any_of(listeners_.begin(), listeners_.end(),
                     [&, target = endpoint.ToString()](const Acceptor::Listener& one) {
                       return one.socket.shared_for_good() && one.socket.kind() == kind && one.endpoint == target;
                     });
}

absl::StatusOr<std::string> EndpointListeners::Listen(const std::optional<Endpoint>& endpoint,
                                                      const EndpointOptions& options, TakeoverSuccessor* predecessor) {
  std::vector<SocketKind> kinds;
  if (options.grpc) kinds.push_back(SocketKind::kStream);
  if (options.seqpacket) kinds.push_back(SocketKind::kSeqpacket);
  if (endpoint.has_value()) {
    std::erase_if(kinds, [&](SocketKind kind) { return IsPassed(*endpoint, kind); });
  }
  std::vector<ListeningSocket> taken;
  if (endpoint.has_value() && predecessor != nullptr) taken = TakeOver(*endpoint, *predecessor, kinds);
  absl::StatusOr<ListeningSocket::Claimed> claimed =
      endpoint.has_value() ? Claim(*endpoint, kinds, options) : ListeningSocket::OpenAutobound(kinds);
  if (!claimed.ok()) return claimed.status();
  std::move(taken.begin(), taken.end(), std::back_inserter(claimed->sockets));
  const std::string target = claimed->endpoint.ToString();
  for (ListeningSocket& socket : claimed->sockets) {
    ServerTransport* const transport = socket.kind() == SocketKind::kStream ? grpc_ : seqpacket_;
    listeners_.push_back(
        Acceptor::Listener{.socket = std::move(socket),
                           .endpoint = target,
                           .admission = AdmissionFor(claimed->endpoint.kind() == Endpoint::Kind::kAbstract, options),
                           .peer_pidfd = options.peer_pidfd,
                           .transport = transport});
  }
  return target;
}

std::string EndpointListeners::ListenOn(InheritedSocket passed, const EndpointOptions& options) {
  ListenAsThisProcess(passed.fd.get());
  std::string target = passed.endpoint.ToString();
  listeners_.push_back(
      Acceptor::Listener{.socket = ListeningSocket::Adopt(std::move(passed.fd), passed.kind, /*for_good=*/true),
                         .endpoint = target,
                         .admission = AdmissionFor(passed.endpoint.kind() == Endpoint::Kind::kAbstract, options),
                         .peer_pidfd = options.peer_pidfd,
                         .transport = passed.kind == SocketKind::kStream ? grpc_ : seqpacket_});
  return target;
}

}  // namespace udsrpc

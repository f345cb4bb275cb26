#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/src/remote_target.h"
#include "server/src/acceptor.h"
#include "server/src/grpc_remote_transport.h"
#include "server/src/grpc_transport.h"
#include "server/src/inherited_socket.h"
#include "server/src/listening_socket.h"
#include "server/src/seqpacket_transport.h"
#include "server/src/server_state.h"
#include "server/src/takeover_start.h"
#include "udsrpc/endpoint.h"
#include "udsrpc/server.h"

namespace udsrpc {
namespace {

// More do not help anybody, and each takes two threads and two descriptors.
constexpr int kMaxEventLoops = 256;

using Listeners = std::vector<Acceptor::Listener>;

// `reachable_by_all`: anybody can connect, unless refused.
Admission AdmissionFor(bool reachable_by_all, const EndpointOptions& options) {
  const bool anybody = !reachable_by_all && options.allowed_uids.empty() && options.allowed_gids.empty();
  return anybody ? Admission() : Admission::For(options.allowed_uids, options.allowed_gids);
}

bool IsValid(const UserLimits& limits) {
  return limits.max_connections >= 1 && limits.max_calls >= 1 && limits.max_bytes >= 1;
}

absl::Status CheckOptions(const ServerOptions& options) {
  if (options.max_handler_threads < 1) {
    return absl::InvalidArgumentError("ServerOptions::max_handler_threads must be at least 1");
  }
  if (options.event_loops < 0 || options.event_loops > kMaxEventLoops) {
    return absl::InvalidArgumentError(absl::StrCat("ServerOptions::event_loops is ", options.event_loops,
                                                   "; it must be 0, for the default, to ", kMaxEventLoops));
  }
  if (options.max_connection_age < absl::Milliseconds(1)) {
    return absl::InvalidArgumentError("ServerOptions::max_connection_age must be at least a millisecond");
  }
  bool valid = IsValid(options.user_limits) && IsValid(options.remote_limits);
  for (const auto& [uid, limits] : options.user_limits_of) valid = valid && IsValid(limits);
  if (!valid)
    return absl::InvalidArgumentError(
        "a limit of ServerOptions::user_limits, user_limits_of or remote_limits is below 1");
  return absl::OkStatus();
}

absl::Status CheckOptions(absl::string_view target, const EndpointOptions& options) {
  if (!options.grpc && !options.seqpacket) {
    return absl::InvalidArgumentError(
        absl::StrCat(target, ": it offers no transport; set EndpointOptions::grpc or ::seqpacket"));
  }
  if ((options.mode & ~mode_t{0777}) != 0) {
    return absl::InvalidArgumentError(absl::StrCat(target, ": EndpointOptions::mode is ", options.mode,
                                                   ", which is over 0777; write it in octal, as in 0660"));
  }
  return absl::OkStatus();
}

// A target of AddEndpoint.
absl::StatusOr<Endpoint> ParseEndpoint(const std::string& target) {
  if (!RemoteTarget::HasScheme(target)) return Endpoint::Parse(target);
  return absl::InvalidArgumentError(absl::StrCat(
      "endpoint \"", target, "\": it is no Unix socket, so it needs credentials; add it by AddRemoteEndpoint"));
}

absl::StatusOr<RemoteEndpoint> ParseRemote(const std::string& address,
                                           const std::shared_ptr<const ServerCredentials>& credentials) {
  absl::StatusOr<RemoteTarget> target = RemoteTarget::ParseListening(address);
  if (!target.ok()) return target.status();
  if (credentials == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(target->ToString(),
                     ": a remote endpoint needs credentials, as the kernel does not say who calls; pass "
                     "GrpcCredentials(grpc::SslServerCredentials(...)) of udsrpc/grpc_server_credentials.h to "
                     "AddRemoteEndpoint"));
  }
  return RemoteEndpoint{.target = *std::move(target), .credentials = credentials};
}

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

bool IsPassed(const Endpoint& endpoint, SocketKind kind, const Listeners& listeners) {
  return std::any_of(listeners.begin(), listeners.end(),
                     [&, target = endpoint.ToString()](const Acceptor::Listener& one) {
                       return one.socket.shared_for_good() && one.socket.kind() == kind && one.endpoint == target;
                     });
}

// Opens those of the endpoint's sockets that were not passed, at a name that the kernel chooses where there is none.
// Its target.
absl::StatusOr<std::string> Listen(const std::optional<Endpoint>& endpoint, const EndpointOptions& options,
                                   ServerTransport* grpc, ServerTransport* seqpacket, TakeoverSuccessor* predecessor,
                                   Listeners& listeners) {
  std::vector<SocketKind> kinds;
  if (options.grpc) kinds.push_back(SocketKind::kStream);
  if (options.seqpacket) kinds.push_back(SocketKind::kSeqpacket);
  if (endpoint.has_value()) {
    std::erase_if(kinds, [&](SocketKind kind) { return IsPassed(*endpoint, kind, listeners); });
  }
  std::vector<ListeningSocket> taken;
  if (endpoint.has_value() && predecessor != nullptr) taken = TakeOver(*endpoint, *predecessor, kinds);
  absl::StatusOr<ListeningSocket::Claimed> claimed =
      endpoint.has_value() ? Claim(*endpoint, kinds, options) : ListeningSocket::OpenAutobound(kinds);
  if (!claimed.ok()) return claimed.status();
  std::move(taken.begin(), taken.end(), std::back_inserter(claimed->sockets));
  const std::string target = claimed->endpoint.ToString();
  for (ListeningSocket& socket : claimed->sockets) {
    ServerTransport* const transport = socket.kind() == SocketKind::kStream ? grpc : seqpacket;
    listeners.push_back(
        Acceptor::Listener{.socket = std::move(socket),
                           .endpoint = target,
                           .admission = AdmissionFor(claimed->endpoint.kind() == Endpoint::Kind::kAbstract, options),
                           .peer_pidfd = options.peer_pidfd,
                           .transport = transport});
  }
  return target;
}

// A socket that another process has bound, as one of the server's listeners.
Acceptor::Listener ListenOn(InheritedSocket passed, const EndpointOptions& options, ServerTransport* grpc,
                            ServerTransport* seqpacket) {
  ListenAsThisProcess(passed.fd.get());
  return Acceptor::Listener{.socket = ListeningSocket::Adopt(std::move(passed.fd), passed.kind, /*for_good=*/true),
                            .endpoint = passed.endpoint.ToString(),
                            .admission = AdmissionFor(passed.endpoint.kind() == Endpoint::Kind::kAbstract, options),
                            .peer_pidfd = options.peer_pidfd,
                            .transport = passed.kind == SocketKind::kStream ? grpc : seqpacket};
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> ServerBuilder::Start() {
  if (endpoints_.empty() && passed_sockets_.empty() && remote_endpoints_.empty() && !unnamed_endpoint_.has_value()) {
    return absl::InvalidArgumentError("a server needs an endpoint; call AddEndpoint before Start");
  }
  if (absl::Status status = CheckOptions(options_); !status.ok()) return status;
  std::unique_ptr<Server> server(new Server);
  Server::State& state = *server->state_;
  std::vector<Service*> services = services_;
  std::vector<ServerInterceptorFactory> interceptors;
  for (ServerExtension* extension : extensions_) {
    if (extension == nullptr) return absl::InvalidArgumentError("AddExtension was given a null extension");
    const std::vector<Service*> own = extension->services();
    services.insert(services.end(), own.begin(), own.end());
    for (auto& [path, options] : extension->method_options()) method_options_.emplace(path, options);
    if (ServerInterceptorFactory interceptor = extension->interceptor(); interceptor != nullptr) {
      interceptors.push_back(std::move(interceptor));
    }
  }
  for (const Service* service : services) {
    if (service == nullptr) return absl::InvalidArgumentError("RegisterService was given a null service");
    if (absl::Status status = state.methods.Add(*service); !status.ok()) return status;
    state.info.services.push_back(service);
  }
  for (const auto& [path, options] : method_options_) {
    if (absl::Status status = state.methods.SetOptions(path, options); !status.ok()) return status;
  }

  interceptors.insert(interceptors.end(), options_.interceptors.begin(), options_.interceptors.end());
  state.methods.SetInterceptors(std::move(interceptors));

  std::vector<std::pair<std::optional<Endpoint>, const EndpointOptions*>> endpoints;
  bool offers_grpc = false;
  bool offers_seqpacket = false;
  for (const auto& [target, options] : endpoints_) {
    std::optional<Endpoint> endpoint;
    if (target.has_value()) {
      absl::StatusOr<Endpoint> parsed = ParseEndpoint(*target);
      if (!parsed.ok()) return parsed.status();
      endpoint = *std::move(parsed);
    }
    if (absl::Status status = CheckOptions(target.value_or("an autobind endpoint"), options); !status.ok()) {
      return status;
    }
    offers_grpc = offers_grpc || options.grpc;
    offers_seqpacket = offers_seqpacket || options.seqpacket;
    endpoints.emplace_back(std::move(endpoint), &options);
  }
  if (unnamed_endpoint_.has_value()) {
    if (absl::Status status = CheckOptions("the endpoint without a name", *unnamed_endpoint_); !status.ok()) {
      return status;
    }
    offers_grpc = offers_grpc || unnamed_endpoint_->grpc;
    offers_seqpacket = offers_seqpacket || unnamed_endpoint_->seqpacket;
  }

  std::vector<RemoteEndpoint> remote;
  for (const auto& [address, credentials] : remote_endpoints_) {
    absl::StatusOr<RemoteEndpoint> endpoint = ParseRemote(address, credentials);
    if (!endpoint.ok()) return endpoint.status();
    remote.push_back(*std::move(endpoint));
  }

  std::vector<std::pair<InheritedSocket, const EndpointOptions*>> passed;
  for (auto& [fd, options] : passed_sockets_) {
    const std::string name = absl::StrCat("the passed socket, descriptor ", fd->get());
    absl::StatusOr<InheritedSocket> socket = InspectInheritedSocket(std::move(*fd), name);
    if (!socket.ok()) return socket.status();
    offers_grpc = offers_grpc || socket->kind == SocketKind::kStream;
    offers_seqpacket = offers_seqpacket || socket->kind == SocketKind::kSeqpacket;
    passed.emplace_back(*std::move(socket), &options);
  }

  ServerTransport* grpc = nullptr;
  if (offers_grpc) {
    absl::StatusOr<std::unique_ptr<ServerTransport>> transport = MakeGrpcServerTransport(state.methods, options_);
    if (!transport.ok()) return transport.status();
    grpc = transport->get();
    state.transports.push_back(*std::move(transport));
  }
  ServerTransport* seqpacket = nullptr;
  if (offers_seqpacket) {
    auto transport = SeqpacketServerTransport::Create(state.methods, options_);
    if (!transport.ok()) return transport.status();
    seqpacket = transport->get();
    state.transports.push_back(*std::move(transport));
  }

  state.users = std::make_unique<Users>(options_.user_limits, options_.user_limits_of);
  if (unnamed_endpoint_.has_value()) {
    const EndpointOptions& options = *unnamed_endpoint_;
    state.unnamed = Server::State::Unnamed{.admission = AdmissionFor(/*reachable_by_all=*/false, options),
                                           .peer_pidfd = options.peer_pidfd,
                                           .grpc = options.grpc ? grpc : nullptr,
                                           .seqpacket = options.seqpacket ? seqpacket : nullptr};
  }
  TakeoverStart takeover(takeover_path_);
  if (absl::Status status = takeover.Begin(); !status.ok()) return status;
  Listeners listeners;
  std::vector<std::string> passed_targets;
  for (auto& [socket, options] : passed) {
    listeners.push_back(ListenOn(std::move(socket), *options, grpc, seqpacket));
    passed_targets.push_back(listeners.back().endpoint);
  }
  for (const auto& [endpoint, options] : endpoints) {
    absl::StatusOr<std::string> target = Listen(endpoint, *options, grpc, seqpacket, takeover.predecessor(), listeners);
    if (!target.ok()) return target.status();
    server->endpoints_.push_back(*std::move(target));
  }
  for (std::string& target : passed_targets) {
    const auto& known = server->endpoints_;
    if (std::find(known.begin(), known.end(), target) == known.end()) server->endpoints_.push_back(std::move(target));
  }
  if (!remote.empty()) {
    absl::StatusOr<std::unique_ptr<ServerTransport>> transport = MakeGrpcRemoteTransport(
        state.methods, options_, remote, /*shared=*/takeover_path_.has_value(), &server->endpoints_);
    if (!transport.ok()) return transport.status();
    state.transports.push_back(*std::move(transport));
  }
  state.info.endpoints = server->endpoints_;
  state.info.monitor = &state;
  if (absl::Status status = state.StartExtensions(extensions_); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<Acceptor>> acceptor = Acceptor::Create(std::move(listeners), *state.users);
  if (!acceptor.ok()) return acceptor.status();
  state.acceptor = *std::move(acceptor);
  state.drain_timeout = takeover_options_.drain_timeout;
  absl::StatusOr<std::unique_ptr<TakeoverListener>> successors = takeover.Finish(*state.acceptor, state);
  if (!successors.ok()) return successors.status();
  for (const auto& transport : state.transports) transport->Begin();
  state.acceptor->Begin();
  takeover.Serving();
  state.takeover = *std::move(successors);
  if (state.takeover != nullptr) state.takeover->Begin();
  return server;
}

}  // namespace udsrpc

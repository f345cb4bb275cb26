#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/src/acceptor.h"
#include "server/src/endpoint_listeners.h"
#include "server/src/grpc_remote_transport.h"
#include "server/src/grpc_transport.h"
#include "server/src/inherited_socket.h"
#include "server/src/options_check.h"
#include "server/src/seqpacket_transport.h"
#include "server/src/server_state.h"
#include "server/src/takeover_start.h"
#include "udsrpc/endpoint.h"
#include "udsrpc/server.h"

namespace udsrpc {

// ServerBuilder::Start, step by step: what is wrong is found before anything is made, and whatever was made is gone
// where a step fails.
class ServerBuilder::Starting {
 public:
  explicit Starting(ServerBuilder& builder)
      : builder_(builder), server_(new Server), state_(*server_->state_), takeover_(builder.takeover_path_) {}

  absl::StatusOr<std::unique_ptr<Server>> Run() {
    using Step = absl::Status (Starting::*)();
    for (const Step step :
         {&Starting::RegisterServices, &Starting::CheckEndpoints, &Starting::InspectPassedSockets,
          &Starting::MakeTransports, &Starting::Listen, &Starting::ListenRemotely, &Starting::BeginToServe}) {
      if (absl::Status status = (this->*step)(); !status.ok()) return status;
    }
    return std::move(server_);
  }

 private:
  absl::Status RegisterServices();
  absl::Status CheckEndpoints();
  absl::Status InspectPassedSockets();
  absl::Status MakeTransports();
  absl::Status Listen();
  absl::Status ListenRemotely();
  absl::Status BeginToServe();

  // Some endpoint has those transports.
  void Offer(bool grpc, bool seqpacket) {
    offers_grpc_ = offers_grpc_ || grpc;
    offers_seqpacket_ = offers_seqpacket_ || seqpacket;
  }
  absl::StatusOr<ServerTransport*> Keep(absl::StatusOr<std::unique_ptr<ServerTransport>> transport);

  ServerBuilder& builder_;
  std::unique_ptr<Server> server_;
  Server::State& state_;
  std::vector<std::pair<std::optional<Endpoint>, const EndpointOptions*>> endpoints_;
  std::vector<std::pair<InheritedSocket, const EndpointOptions*>> passed_;
  std::vector<RemoteEndpoint> remote_;
  bool offers_grpc_ = false;
  bool offers_seqpacket_ = false;
  ServerTransport* grpc_ = nullptr;
  ServerTransport* seqpacket_ = nullptr;
  TakeoverStart takeover_;
  std::optional<EndpointListeners> listeners_;
};

absl::StatusOr<std::unique_ptr<Server>> ServerBuilder::Start() {
  if (endpoints_.empty() && passed_sockets_.empty() && remote_endpoints_.empty() && !unnamed_endpoint_.has_value()) {
    return absl::InvalidArgumentError("a server needs an endpoint; call AddEndpoint before Start");
  }
  if (absl::Status status = CheckOptions(options_); !status.ok()) return status;
  return Starting(*this).Run();
}

absl::Status ServerBuilder::Starting::RegisterServices() {
  std::vector<Service*> services = builder_.services_;
  std::vector<ServerInterceptorFactory> interceptors;
  for (ServerExtension* extension : builder_.extensions_) {
    if (extension == nullptr) return absl::InvalidArgumentError("AddExtension was given a null extension");
    const std::vector<Service*> own = extension->services();
    services.insert(services.end(), own.begin(), own.end());
    for (auto& [path, options] : extension->method_options()) builder_.method_options_.emplace(path, options);
    if (ServerInterceptorFactory interceptor = extension->interceptor(); interceptor != nullptr) {
      interceptors.push_back(std::move(interceptor));
    }
  }
  for (const Service* service : services) {
    if (service == nullptr) return absl::InvalidArgumentError("RegisterService was given a null service");
    if (absl::Status status = state_.methods.Add(*service); !status.ok()) return status;
    state_.info.services.push_back(service);
  }
  for (const auto& [path, options] : builder_.method_options_) {
    if (absl::Status status = state_.methods.SetOptions(path, options); !status.ok()) return status;
  }
  const std::vector<ServerInterceptorFactory>& own = builder_.options_.interceptors;
  interceptors.insert(interceptors.end(), own.begin(), own.end());
  state_.methods.SetInterceptors(std::move(interceptors));
  return absl::OkStatus();
}

absl::Status ServerBuilder::Starting::CheckEndpoints() {
  for (const auto& [target, options] : builder_.endpoints_) {
    std::optional<Endpoint> endpoint;
    if (target.has_value()) {
      absl::StatusOr<Endpoint> parsed = ParseEndpoint(*target);
      if (!parsed.ok()) return parsed.status();
      endpoint = *std::move(parsed);
    }
    if (absl::Status status = CheckOptions(target.value_or("an autobind endpoint"), options); !status.ok()) {
      return status;
    }
    Offer(options.grpc, options.seqpacket);
    endpoints_.emplace_back(std::move(endpoint), &options);
  }
  if (const std::optional<EndpointOptions>& unnamed = builder_.unnamed_endpoint_; unnamed.has_value()) {
    if (absl::Status status = CheckOptions("the endpoint without a name", *unnamed); !status.ok()) return status;
    Offer(unnamed->grpc, unnamed->seqpacket);
  }
  for (const auto& [address, credentials] : builder_.remote_endpoints_) {
    absl::StatusOr<RemoteEndpoint> endpoint = ParseRemote(address, credentials);
    if (!endpoint.ok()) return endpoint.status();
    remote_.push_back(*std::move(endpoint));
  }
  return absl::OkStatus();
}

absl::Status ServerBuilder::Starting::InspectPassedSockets() {
  for (auto& [fd, options] : builder_.passed_sockets_) {
    const std::string name = absl::StrCat("the passed socket, descriptor ", fd->get());
    absl::StatusOr<InheritedSocket> socket = InspectInheritedSocket(std::move(*fd), name);
    if (!socket.ok()) return socket.status();
    Offer(socket->kind == SocketKind::kStream, socket->kind == SocketKind::kSeqpacket);
    passed_.emplace_back(*std::move(socket), &options);
  }
  return absl::OkStatus();
}

absl::StatusOr<ServerTransport*> ServerBuilder::Starting::Keep(
    absl::StatusOr<std::unique_ptr<ServerTransport>> transport) {
  if (!transport.ok()) return transport.status();
  state_.transports.push_back(*std::move(transport));
  return state_.transports.back().get();
}

absl::Status ServerBuilder::Starting::MakeTransports() {
  if (offers_grpc_) {
    const absl::StatusOr<ServerTransport*> made = Keep(MakeGrpcServerTransport(state_.methods, builder_.options_));
    if (!made.ok()) return made.status();
    grpc_ = *made;
  }
  if (offers_seqpacket_) {
    const absl::StatusOr<ServerTransport*> made =
        Keep(SeqpacketServerTransport::Create(state_.methods, builder_.options_));
    if (!made.ok()) return made.status();
    seqpacket_ = *made;
  }
  state_.users = std::make_unique<Users>(builder_.options_.user_limits, builder_.options_.user_limits_of);
  if (const std::optional<EndpointOptions>& unnamed = builder_.unnamed_endpoint_; unnamed.has_value()) {
    state_.unnamed = Server::State::Unnamed{.admission = AdmissionFor(/*reachable_by_all=*/false, *unnamed),
                                            .peer_pidfd = unnamed->peer_pidfd,
                                            .grpc = unnamed->grpc ? grpc_ : nullptr,
                                            .seqpacket = unnamed->seqpacket ? seqpacket_ : nullptr};
  }
  return absl::OkStatus();
}

absl::Status ServerBuilder::Starting::Listen() {
  if (absl::Status status = takeover_.Begin(); !status.ok()) return status;
  listeners_.emplace(grpc_, seqpacket_);
  std::vector<std::string> passed_targets;
  for (auto& [socket, options] : passed_) {
    passed_targets.push_back(listeners_->ListenOn(std::move(socket), *options));
  }
  std::vector<std::string>& known = server_->endpoints_;
  for (const auto& [endpoint, options] : endpoints_) {
    absl::StatusOr<std::string> target = listeners_->Listen(endpoint, *options, takeover_.predecessor());
    while (absl::IsAlreadyExists(target.status()) && takeover_.AwaitDeath()) {
      target = listeners_->Listen(endpoint, *options, takeover_.predecessor());
    }
    if (!target.ok()) return target.status();
    known.push_back(*std::move(target));
  }
  for (std::string& target : passed_targets) {
    if (std::find(known.begin(), known.end(), target) == known.end()) known.push_back(std::move(target));
  }
  return absl::OkStatus();
}

absl::Status ServerBuilder::Starting::ListenRemotely() {
  if (remote_.empty()) return absl::OkStatus();
  return Keep(MakeGrpcRemoteTransport(state_.methods, builder_.options_, remote_,
                                      /*shared=*/builder_.takeover_path_.has_value(), &server_->endpoints_))
      .status();
}

absl::Status ServerBuilder::Starting::BeginToServe() {
  state_.info.endpoints = server_->endpoints_;
  state_.info.monitor = &state_;
  if (absl::Status status = state_.StartExtensions(builder_.extensions_); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<Acceptor>> acceptor =
      Acceptor::Create(listeners_->Take(), *state_.users, builder_.options_.log);
  if (!acceptor.ok()) return acceptor.status();
  state_.acceptor = *std::move(acceptor);
  state_.drain_timeout = builder_.takeover_options_.drain_timeout;
  absl::StatusOr<std::unique_ptr<TakeoverListener>> successors = takeover_.Finish(*state_.acceptor, state_);
  if (!successors.ok()) return successors.status();
  for (const auto& transport : state_.transports) transport->Begin();
  state_.acceptor->Begin();
  takeover_.Serving();
  state_.takeover = *std::move(successors);
  if (state_.takeover != nullptr) state_.takeover->Begin();
  return absl::OkStatus();
}

}  // namespace udsrpc

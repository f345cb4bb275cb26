#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/src/acceptor.h"
#include "server/src/grpc_transport.h"
#include "server/src/listening_socket.h"
#include "server/src/seqpacket_transport.h"
#include "server/src/server_state.h"
#include "udsrpc/endpoint.h"
#include "udsrpc/server.h"

namespace udsrpc {
namespace {

// More do not help anybody, and each takes two threads and two descriptors.
constexpr int kMaxEventLoops = 256;

using Listeners = std::vector<Acceptor::Listener>;

Admission AdmissionFor(const Endpoint& endpoint, const EndpointOptions& options) {
  Admission admission{.check_uid = endpoint.kind() == Endpoint::Kind::kAbstract || !options.allowed_uids.empty(),
                      .uids = options.allowed_uids};
  admission.uids.push_back(0);
  admission.uids.push_back(geteuid());
  std::sort(admission.uids.begin(), admission.uids.end());
  return admission;
}

absl::Status Listen(const Endpoint& endpoint, const EndpointOptions& options, SocketKind kind,
                    ServerTransport* transport, Listeners& listeners) {
  absl::StatusOr<ListeningSocket> socket = ListeningSocket::Open(endpoint, kind, options.mode);
  if (!socket.ok()) return socket.status();
  listeners.push_back(Acceptor::Listener{
      .socket = *std::move(socket), .admission = AdmissionFor(endpoint, options), .transport = transport});
  return absl::OkStatus();
}

}  // namespace

ServerBuilder& ServerBuilder::AddEndpoint(absl::string_view target, EndpointOptions options) {
  endpoints_.emplace_back(std::string(target), std::move(options));
  return *this;
}

ServerBuilder& ServerBuilder::RegisterService(Service* service) {
  services_.push_back(service);
  return *this;
}

ServerBuilder& ServerBuilder::SetMethodOptions(absl::string_view path, MethodOptions options) {
  method_options_[std::string(path)] = options;
  return *this;
}

absl::StatusOr<std::unique_ptr<Server>> ServerBuilder::Start() {
  if (endpoints_.empty()) {
    return absl::InvalidArgumentError("a server needs an endpoint; call AddEndpoint before Start");
  }
  if (options_.max_handler_threads < 1) {
    return absl::InvalidArgumentError("ServerOptions::max_handler_threads must be at least 1");
  }
  if (options_.event_loops < 0 || options_.event_loops > kMaxEventLoops) {
    return absl::InvalidArgumentError(absl::StrCat("ServerOptions::event_loops is ", options_.event_loops,
                                                   "; it must be 0, for the default, to ", kMaxEventLoops));
  }
  std::unique_ptr<Server> server(new Server);
  Server::State& state = *server->state_;
  for (const Service* service : services_) {
    if (service == nullptr) return absl::InvalidArgumentError("RegisterService was given a null service");
    if (absl::Status status = state.methods.Add(*service); !status.ok()) return status;
  }
  for (const auto& [path, options] : method_options_) {
    if (absl::Status status = state.methods.SetOptions(path, options); !status.ok()) return status;
  }

  state.methods.SetInterceptors(options_.interceptors);

  std::vector<std::pair<Endpoint, const EndpointOptions*>> endpoints;
  bool offers_grpc = false;
  bool offers_seqpacket = false;
  for (const auto& [target, options] : endpoints_) {
    absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(target);
    if (!endpoint.ok()) return endpoint.status();
    if (!options.grpc && !options.seqpacket) {
      return absl::InvalidArgumentError(
          absl::StrCat(target, ": it offers no transport; set EndpointOptions::grpc or ::seqpacket"));
    }
    if ((options.mode & ~mode_t{0777}) != 0) {
      return absl::InvalidArgumentError(absl::StrCat(target, ": EndpointOptions::mode is ", options.mode,
                                                     ", which is over 0777; write it in octal, as in 0660"));
    }
    offers_grpc = offers_grpc || options.grpc;
    offers_seqpacket = offers_seqpacket || options.seqpacket;
    server->endpoints_.push_back(endpoint->ToString());
    endpoints.emplace_back(*std::move(endpoint), &options);
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

  Listeners listeners;
  for (const auto& [endpoint, options] : endpoints) {
    if (options->grpc) {
      absl::Status status = Listen(endpoint, *options, SocketKind::kStream, grpc, listeners);
      if (!status.ok()) return status;
    }
    if (options->seqpacket) {
      absl::Status status = Listen(endpoint, *options, SocketKind::kSeqpacket, seqpacket, listeners);
      if (!status.ok()) return status;
    }
  }
  absl::StatusOr<std::unique_ptr<Acceptor>> acceptor = Acceptor::Start(std::move(listeners));
  if (!acceptor.ok()) return acceptor.status();
  state.acceptor = *std::move(acceptor);
  return server;
}

}  // namespace udsrpc

#ifndef UDSRPC_GRPC_SERVICES_H_
#define UDSRPC_GRPC_SERVICES_H_

#include <grpcpp/impl/service_type.h>
#include <grpcpp/server_context.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "udsrpc/server.h"
#include "udsrpc/transport.h"

// Link udsrpc::grpc_services beside udsrpc::udsrpc. Shows gRPC's types, as of the headers for servers only
// grpc_server_credentials.h does besides.

namespace udsrpc {

// Who calls a handler of gRPC's: as Peer, whose comments hold.
struct GrpcPeer {
  // As Peer::Remote.
  struct Remote {
    bool authenticated = false;
    std::vector<std::string> names = {};
  };

  std::string endpoint;
  Transport transport = Transport::kGrpc;
  // Look at `remote` first. Of a remote caller they are 0, Peer::kNoUid and Peer::kNoGid (4294967295), which are
  // nobody: not to be looked up, nor stored where an id is, as chown(2) takes them for "leave it".
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  std::optional<Remote> remote = std::nullopt;  // nothing: its process is on this host
};

// Services that were written for gRPC (classes derived from Greeter::Service or Greeter::CallbackService), unchanged,
// in a server of ours, beside services of ours:
//
//   udsrpc::GrpcServices services;
//   services.Add<helloworld::Greeter>(&greeter);
//   absl::Status status = services.RegisterWith(builder);
//
// They are served over both transports, each call as one of ours that is handed on, within the process, to a
// grpc::Server that listens nowhere. So whatever ServerBuilder, EndpointOptions and ServerOptions say holds for them:
// who is admitted, limits, MethodOptions, interceptors, drain and takeover. Handlers have deadline, cancellation
// (IsCancelled), metadata both ways, and status with message and details. That costs them two changes of threads more
// than in a server of gRPC's own; docs/MIGRATING_FROM_GRPC.md has figures.
//
// What they have not, where in a server of gRPC's they do:
// - services with completion queues (AsyncService) and generic ones; messages that are not Protobuf's;
// - ServerContext::peer and auth_context, which say "inproc": see PeerOf; and the client's user-agent;
// - compression, and options of grpc::ServerBuilder such as its interceptors;
// - threads: handlers of theirs run on gRPC's, as many as there are calls, whatever max_handler_threads says. One that
//   runs on beyond its call's cancellation is waited for by the destructor here, and not by Server::Shutdown.
//
// Must outlive the server, as services do. Not thread-safe but for PeerOf.
class GrpcServices {
 public:
  GrpcServices();
  // Blocks until all handlers have returned.
  ~GrpcServices();
  GrpcServices(const GrpcServices&) = delete;
  GrpcServices& operator=(const GrpcServices&) = delete;

  // `Generated` is the class that gRPC generates for the service. `service` must outlive this.
  template <typename Generated>
  GrpcServices& Add(grpc::Service* service) {
    return Add(Generated::service_full_name(), service);
  }
  // `name` is "package.Service".
  GrpcServices& Add(absl::string_view name, grpc::Service* service);

  // Once, before ServerBuilder::Start, which ends with ALREADY_EXISTS where another service has one's name.
  // INVALID_ARGUMENT: a service is null, or is one of those that are not served.
  // NOT_FOUND: the program has no descriptor of that name: its .pb.cc is not linked, or is of the lite runtime.
  // ALREADY_EXISTS: two services here have one name.
  // FAILED_PRECONDITION: it has been called before.
  absl::Status RegisterWith(ServerBuilder& builder);

  // Who calls the handler whose context this is: by the kernel's word a process on this host, or by its credentials a
  // remote caller, which may be anybody unless they are `authenticated`. Nothing, where the call has not come by a
  // server of ours, whatever its client says. Thread-safe.
  std::optional<GrpcPeer> PeerOf(const grpc::ServerContextBase& context) const;

 private:
  class Backend;
  std::unique_ptr<Backend> backend_;
};

}  // namespace udsrpc

#endif  // UDSRPC_GRPC_SERVICES_H_

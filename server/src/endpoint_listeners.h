#ifndef UDSRPC_SERVER_ENDPOINT_LISTENERS_H_
#define UDSRPC_SERVER_ENDPOINT_LISTENERS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/src/acceptor.h"
#include "server/src/admission.h"
#include "server/src/inherited_socket.h"
#include "server/src/listening_socket.h"
#include "server/src/server_transport.h"
#include "server/src/takeover_successor.h"
#include "udsrpc/endpoint.h"
#include "udsrpc/server.h"

namespace udsrpc {

// Who may connect, as the endpoint's options have it. `reachable_by_all`: anybody can, unless refused.
Admission AdmissionFor(bool reachable_by_all, const EndpointOptions& options);

// Makes the listeners of a server that starts: those that were passed to it first, as no endpoint opens what they are.
class EndpointListeners {
 public:
  // Of what the connections are for; null where no endpoint offers it.
  EndpointListeners(ServerTransport* grpc, ServerTransport* seqpacket) : grpc_(grpc), seqpacket_(seqpacket) {}

  // A socket that another process has bound. Its endpoint's target.
  std::string ListenOn(InheritedSocket passed, const EndpointOptions& options);

  // Takes over, where there is a predecessor, or opens those of the endpoint's sockets that were not passed; at a name
  // that the kernel chooses where there is no endpoint. Its target.
  absl::StatusOr<std::string> Listen(const std::optional<Endpoint>& endpoint, const EndpointOptions& options,
                                     TakeoverSuccessor* predecessor);

  // All of them.
  std::vector<Acceptor::Listener> Take() { return std::move(listeners_); }

 private:
  bool IsPassed(const Endpoint& endpoint, SocketKind kind) const;

  ServerTransport* const grpc_;
  ServerTransport* const seqpacket_;
  std::vector<Acceptor::Listener> listeners_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_ENDPOINT_LISTENERS_H_

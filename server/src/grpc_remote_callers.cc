#include "server/src/grpc_remote_callers.h"

#include <grpcpp/security/auth_context.h>

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "common/src/percent_encoding.h"
#include "udsrpc/peer.h"

namespace udsrpc {
namespace {

Peer::Remote Credentials(const grpc::ServerContext& call) {
  Peer::Remote remote;
  const std::shared_ptr<const grpc::AuthContext> context = call.auth_context();
  if (context == nullptr) return remote;
  remote.authenticated = context->IsPeerAuthenticated();
  if (remote.authenticated) {
    for (const grpc::string_ref& name : context->GetPeerIdentity()) remote.names.emplace_back(name.data(), name.size());
  }
  for (const auto& [key, value] : *context) {
    remote.properties.emplace_back(std::string(key.data(), key.size()), std::string(value.data(), value.size()));
  }
  return remote;
}

// gRPC encodes the brackets of an IPv6 address as in a URI.
std::string Address(const std::string& peer) {
  std::string address;
  return PercentDecode(peer, address) ? address : peer;
}

}  // namespace

std::shared_ptr<const Caller> GrpcRemoteCallers::Of(const grpc::ServerContext& call) const {
  return std::make_shared<const Caller>(std::make_shared<const Peer>(Address(call.peer()), Credentials(call)), user_);
}

}  // namespace udsrpc

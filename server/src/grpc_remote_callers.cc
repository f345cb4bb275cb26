#include "server/src/grpc_remote_callers.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "common/src/percent_encoding.h"
#include "udsrpc/peer.h"

namespace udsrpc {
namespace {

Peer::Remote Credentials(const grpc::ServerContext& call, bool verified) {
  Peer::Remote remote;
  const std::shared_ptr<const grpc::AuthContext> context = call.auth_context();
  if (context == nullptr) return remote;
  // gRPC calls it authenticated as well where nothing but the kind of the credentials is known
  // (LocalServerCredentials).
  remote.authenticated = verified && context->IsPeerAuthenticated() &&
                         context->GetPeerIdentityPropertyName() != GRPC_TRANSPORT_SECURITY_TYPE_PROPERTY_NAME;
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
  return std::make_shared<const Caller>(
      std::make_shared<const Peer>(Address(call.peer()), Credentials(call, verified_)), user_);
}

}  // namespace udsrpc

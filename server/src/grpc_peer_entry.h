#ifndef UDSRPC_SERVER_GRPC_PEER_ENTRY_H_
#define UDSRPC_SERVER_GRPC_PEER_ENTRY_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "udsrpc/grpc_services.h"
#include "udsrpc/peer.h"

namespace udsrpc {

// The entry of metadata that tells a handler of gRPC's who calls. `token` is secret, and has no comma.
std::string MakeGrpcPeerEntry(absl::string_view token, const Peer& peer);

// Nothing, where it was not made with `token`.
std::optional<GrpcPeer> ReadGrpcPeerEntry(absl::string_view token, absl::string_view entry);

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_GRPC_PEER_ENTRY_H_

#ifndef UDSRPC_TRANSPORT_H_
#define UDSRPC_TRANSPORT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace udsrpc {

// What carries a channel's calls. The choice changes the speed of a call and nothing else.
enum class Transport {
  // gRPC over HTTP/2 on a stream socket: any gRPC server, in any language, can be the other end.
  kGrpc,
  // The udsrpc protocol (docs/PROTOCOL.md) on a SOCK_SEQPACKET socket: small messages at the least latency.
  kSeqpacket,
  // Seqpacket where the server has a socket for it that this user may use, else gRPC. Decided at each call; once gRPC
  // was chosen, seqpacket is tried again after a second. To try may block for up to 20 ms, where the server's backlog
  // is full, also for a call that is not waited for. For now a message that only gRPC can carry is not sent over gRPC
  // for that: it fails as over kSeqpacket.
  kAuto,
};

// "grpc", "seqpacket" or "auto".
absl::string_view TransportName(Transport transport);

// For ABSL_FLAG(udsrpc::Transport, ...): the same names.
bool AbslParseFlag(absl::string_view text, Transport* transport, std::string* error);
std::string AbslUnparseFlag(Transport transport);

}  // namespace udsrpc

#endif  // UDSRPC_TRANSPORT_H_

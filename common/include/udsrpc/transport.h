#ifndef UDSRPC_TRANSPORT_H_
#define UDSRPC_TRANSPORT_H_

#include "absl/strings/string_view.h"

namespace udsrpc {

// What carries a channel's calls. The choice changes the speed of a call and nothing else.
enum class Transport {
  // gRPC over HTTP/2 on a stream socket: any gRPC server, in any language, can be the other end.
  kGrpc,
  // The udsrpc protocol (docs/PROTOCOL.md) on a SOCK_SEQPACKET socket: small messages at the least latency.
  kSeqpacket,
  // Seqpacket where the server offers it, else gRPC; decided anew at each connection.
  kAuto,
};

// "grpc", "seqpacket" or "auto".
absl::string_view TransportName(Transport transport);

}  // namespace udsrpc

#endif  // UDSRPC_TRANSPORT_H_

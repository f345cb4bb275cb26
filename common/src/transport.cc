#include "udsrpc/transport.h"

#include <string>

namespace udsrpc {

absl::string_view TransportName(Transport transport) {
  switch (transport) {
    case Transport::kGrpc:
      return "grpc";
    case Transport::kSeqpacket:
      return "seqpacket";
    case Transport::kAuto:
      return "auto";
  }
  return "unknown";
}

bool AbslParseFlag(absl::string_view text, Transport* transport, std::string* error) {
  for (const Transport candidate : {Transport::kGrpc, Transport::kSeqpacket, Transport::kAuto}) {
    if (text == TransportName(candidate)) {
      *transport = candidate;
      return true;
    }
  }
  *error = "it is grpc, seqpacket or auto";
  return false;
}

std::string AbslUnparseFlag(Transport transport) { return std::string(TransportName(transport)); }

}  // namespace udsrpc

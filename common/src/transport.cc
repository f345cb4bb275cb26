#include "udsrpc/transport.h"

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

}  // namespace udsrpc

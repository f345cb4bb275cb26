#ifndef UDSRPC_COMMON_WIRE_PACKET_FDS_H_
#define UDSRPC_COMMON_WIRE_PACKET_FDS_H_

#include <vector>

#include "udsrpc/unique_fd.h"

namespace udsrpc {

// The descriptors that came with a packet, in their order.
struct PacketFds {
  std::vector<UniqueFd> fds;
  bool cut = false;  // there were more, which this process may not have: its limit of open files is reached
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_WIRE_PACKET_FDS_H_

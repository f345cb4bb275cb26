#include "udsrpc/peer.h"

#include <unistd.h>

#include <algorithm>

namespace udsrpc {

Peer::~Peer() {
  if (pidfd_ >= 0) close(pidfd_);
}

bool Peer::IsInGroup(gid_t group) const {
  return !remote_.has_value() &&
         (ids_.gid == group || std::binary_search(ids_.groups.begin(), ids_.groups.end(), group));
}

}  // namespace udsrpc

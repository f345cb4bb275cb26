#include "server/src/admission.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace udsrpc {

Admission Admission::For(std::vector<uid_t> uids, std::vector<gid_t> gids) {
  Admission admission;
  admission.everybody_ = false;
  admission.uids_ = std::move(uids);
  admission.uids_.push_back(0);
  admission.uids_.push_back(geteuid());
  std::sort(admission.uids_.begin(), admission.uids_.end());
  admission.gids_ = std::move(gids);
  return admission;
}

bool Admission::IsNamed(const Peer& peer) const {
  return std::binary_search(uids_.begin(), uids_.end(), peer.uid()) ||
         std::any_of(gids_.begin(), gids_.end(), [&peer](gid_t gid) { return peer.IsInGroup(gid); });
}

}  // namespace udsrpc

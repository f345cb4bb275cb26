#include "server/src/admission.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

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

std::string Admission::Refusal(const Peer& peer) {
  if (peer.remote() != nullptr) {
    return absl::StrCat("not for remote callers, such as ", peer.address(),
                        "; it is for users of the server's host: call it there, over a Unix socket");
  }
  return absl::StrCat("not for user ", peer.uid(), "; ask the server's owner to allow the user or one of its groups");
}

bool Admission::IsNamed(const Peer& peer) const {
  if (peer.remote() != nullptr) return false;
  return std::binary_search(uids_.begin(), uids_.end(), peer.uid()) ||
         std::any_of(gids_.begin(), gids_.end(), [&peer](gid_t gid) { return peer.IsInGroup(gid); });
}

}  // namespace udsrpc

#ifndef UDSRPC_SERVER_ADMISSION_H_
#define UDSRPC_SERVER_ADMISSION_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "udsrpc/peer.h"

namespace udsrpc {

// Whom an endpoint or a method is for. Default: for everybody.
class Admission {
 public:
  Admission() = default;

  // For this process's user, root, and those that are named.
  static Admission For(std::vector<uid_t> uids, std::vector<gid_t> gids);

  // A remote caller is nobody's process here, and so none of those that are named.
  bool Admits(const Peer& peer) const { return everybody_ || IsNamed(peer); }

  // Who is not admitted and what to do, for messages: "not for user 1000; ...".
  static std::string Refusal(const Peer& peer);

 private:
  bool IsNamed(const Peer& peer) const;

  bool everybody_ = true;
  std::vector<uid_t> uids_;  // sorted
  std::vector<gid_t> gids_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_ADMISSION_H_

#include "common/src/socket/read_peer.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/src/socket/connected_socket.h"
#include "common/src/socket/socket.h"

namespace udsrpc {

absl::StatusOr<std::shared_ptr<const Peer>> ReadPeer(int fd, std::string endpoint, Transport transport,
                                                     bool with_pidfd) {
  const absl::StatusOr<PeerCredentials> credentials = GetPeerCredentials(fd);
  if (!credentials.ok()) return credentials.status();
  Peer::Ids ids{.uid = credentials->uid, .gid = credentials->gid, .groups = GetPeerGroups(fd)};
  std::sort(ids.groups.begin(), ids.groups.end());
  UniqueFd pidfd = with_pidfd ? OpenPeerPidfd(fd) : UniqueFd();
  if (with_pidfd && !pidfd.valid() && (errno == EMFILE || errno == ENFILE)) {
    return absl::ResourceExhaustedError("no descriptor left for a peer's process; raise the limit of open files");
  }
  const SocketKind kind = transport == Transport::kGrpc ? SocketKind::kStream : SocketKind::kSeqpacket;
  return std::make_shared<const Peer>(std::move(endpoint), PeerTarget(fd, kind), transport, credentials->pid,
                                      std::move(ids), GetPeerSecurityLabel(fd), pidfd.release());
}

}  // namespace udsrpc

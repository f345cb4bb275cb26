#include "tools/socket_snapshot.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "tools/processes.h"
#include "tools/socket_diag.h"

namespace udsrpc::tools {
namespace {

constexpr char kProc[] = "/proc";

// Of two looks, what is in both: whoever has such a socket was there in between, when the processes were looked at.
void KeepThoseOf(const std::vector<UnixSocket>& before, std::vector<UnixSocket>* sockets) {
  std::set<uint32_t> inodes;
  for (const UnixSocket& socket : before) inodes.insert(socket.inode);
  sockets->erase(std::remove_if(sockets->begin(), sockets->end(),
                                [&inodes](const UnixSocket& socket) { return inodes.count(socket.inode) == 0; }),
                 sockets->end());
}

bool IsPath(const UnixSocket& socket) { return !socket.name.empty() && socket.name[0] != '\0'; }

void FindPath(const UnixSocket& socket, pid_t holder, SocketSnapshot* snapshot) {
  if (!IsPath(socket) || snapshot->paths.count(socket.inode) > 0) return;
  const bool is_whole = absl::StartsWith(socket.name, "/") && !SplitPathByDescriptor(socket.name).has_value();
  if (is_whole) {
    if (IsMissing(kProc, holder, socket.name)) snapshot->missing.insert(socket.inode);
  } else if (socket.file.has_value()) {
    std::string path = ResolvePath(kProc, holder, socket.name, socket.file->inode);
    if (path != socket.name) snapshot->paths[socket.inode] = std::move(path);
  }
}

void FindPathsAndUsers(SocketSnapshot* snapshot) {
  std::map<uint32_t, const UnixSocket*> by_inode;
  std::set<uid_t> uids;
  for (const UnixSocket& socket : snapshot->sockets) {
    by_inode[socket.inode] = &socket;
    if (socket.uid.has_value()) uids.insert(*socket.uid);
  }
  for (const Process& process : snapshot->processes) {
    if (!process.sockets.empty()) uids.insert(process.uid);
    for (const uint32_t inode : process.sockets) {
      const auto socket = by_inode.find(inode);
      if (socket != by_inode.end()) FindPath(*socket->second, process.pid, snapshot);
    }
  }
  for (const uid_t uid : uids) snapshot->users[uid] = UserName(uid);
}

}  // namespace

absl::StatusOr<SocketSnapshot> TakeSocketSnapshot(std::string* why_no_peers) {
  SocketSnapshot snapshot;
  absl::StatusOr<std::vector<UnixSocket>> sockets = ReadUnixDiag();
  snapshot.processes = ReadProcesses(kProc);
  if (sockets.ok()) {
    const std::vector<UnixSocket> before = *std::move(sockets);
    sockets = ReadUnixDiag();
    if (sockets.ok()) KeepThoseOf(before, &*sockets);
  }
  if (!sockets.ok()) {
    snapshot.has_peers = false;
    *why_no_peers = std::string(sockets.status().message());
    sockets = ReadProcNetUnix(std::string(kProc) + "/net/unix");
    if (!sockets.ok()) return sockets.status();
  }
  snapshot.sockets = *std::move(sockets);
  FindPathsAndUsers(&snapshot);
  return snapshot;
}

}  // namespace udsrpc::tools

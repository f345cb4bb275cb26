#include "tools/socket_snapshot.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
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

// A process in each of the other network namespaces that there are, by the namespace.
std::map<uint32_t, pid_t> OtherNetworks(const std::vector<Process>& processes) {
  std::map<uint32_t, pid_t> networks;
  for (const Process& process : processes) {
    if (process.network != 0) networks.try_emplace(process.network, process.pid);
  }
  networks.erase(OwnNetwork(kProc));
  return networks;
}

// Those of the namespaces that this process may enter, which are added to `entered`.
std::vector<UnixSocket> ReadOtherNetworks(const std::map<uint32_t, pid_t>& networks, std::set<uint32_t>* entered) {
  std::vector<UnixSocket> all;
  for (const auto& [network, pid] : networks) {
    absl::StatusOr<std::vector<UnixSocket>> sockets = ReadUnixDiagOf(absl::StrCat(kProc, "/", pid, "/ns/net"));
    if (!sockets.ok()) continue;
    entered->insert(network);
    for (UnixSocket& socket : *sockets) {
      socket.network = network;
      all.push_back(std::move(socket));
    }
  }
  return all;
}

// Those of all networks that this process may enter; of its own at least.
absl::StatusOr<std::vector<UnixSocket>> ReadNetworks(const std::map<uint32_t, pid_t>& others,
                                                     std::set<uint32_t>* entered) {
  absl::StatusOr<std::vector<UnixSocket>> sockets = ReadUnixDiag();
  if (!sockets.ok()) return sockets;
  for (UnixSocket& socket : ReadOtherNetworks(others, entered)) sockets->push_back(std::move(socket));
  return sockets;
}

}  // namespace

absl::StatusOr<SocketSnapshot> TakeSocketSnapshot(std::string* why_no_peers) {
  SocketSnapshot snapshot;
  const std::map<uint32_t, pid_t> others = OtherNetworks(ReadProcesses(kProc));
  snapshot.networks = {OwnNetwork(kProc)};
  absl::StatusOr<std::vector<UnixSocket>> sockets = ReadNetworks(others, &snapshot.networks);
  snapshot.processes = ReadProcesses(kProc);
  if (sockets.ok()) {
    const std::vector<UnixSocket> before = *std::move(sockets);
    sockets = ReadNetworks(others, &snapshot.networks);
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

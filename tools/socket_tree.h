#ifndef UDSRPC_TOOLS_SOCKET_TREE_H_
#define UDSRPC_TOOLS_SOCKET_TREE_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tools/processes.h"
#include "tools/socket_tree.pb.h"
#include "tools/unix_socket.h"

namespace udsrpc::tools {

// What was seen of a host's Unix sockets, about at one moment: as reading takes time, a process or a socket may be in
// one part and not in another.
struct SocketSnapshot {
  std::vector<UnixSocket> sockets;
  std::vector<Process> processes;  // by pid
  bool has_peers = true;           // false: the kernel does not tell who is connected to whom
  std::set<uint32_t> networks;     // the namespaces that were looked into, by inode

  // By inode: the path where the name is not it (see ResolvePath), and those whose path nothing is at any more.
  std::map<uint32_t, std::string> paths;
  std::set<uint32_t> missing;
  std::map<uid_t, std::string> users;
};

// Which endpoints are wanted.
struct SocketFilter {
  bool all = false;  // also those that are not udsrpc's
  // Where not empty: of this target alone, whether or not it is udsrpc's; or whose file has one of these inodes.
  std::string target = {};
  std::set<uint32_t> files = {};
};

// The tree of those endpoints, by pid and target. Its notes are left to the caller.
SocketTree BuildSocketTree(const SocketSnapshot& snapshot, const SocketFilter& filter);

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_SOCKET_TREE_H_

#ifndef UDSRPC_TOOLS_SOCKET_SIDES_H_
#define UDSRPC_TOOLS_SOCKET_SIDES_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/processes.h"
#include "tools/socket_tree.h"
#include "tools/unix_socket.h"

namespace udsrpc::tools {

using Sockets = std::vector<const UnixSocket*>;
using Holders = std::vector<const Process*>;

// The sockets of one type that are bound to the same name: what listens, and what it has accepted.
struct Side {
  int type = 0;
  std::string name;      // resolved
  uint32_t network = 0;  // of an abstract name
  Sockets bound;  // more than one only where a name is used again while connections to its former socket are left
  Sockets accepted;

  bool is_listening() const { return !bound.empty() && bound.front()->state == UnixSocket::State::kListening; }
  bool is_abstract() const { return !name.empty() && name[0] == '\0'; }
};

// The socket itself, or else the first of the connections that are left.
const UnixSocket& First(const Side& side);

// A snapshot's sockets, by where they are bound, and who holds them. Points into the snapshot.
class SocketSides {
 public:
  // `all`: with those that are bound to nothing, each a side of its own.
  SocketSides(const SocketSnapshot& snapshot, bool all);

  const std::vector<Side>& sides() const { return sides_; }

  // Null: there is none, or it cannot be seen.
  const UnixSocket* Find(uint32_t inode) const;
  Holders HoldersOf(uint32_t inode) const;
  Holders HoldersOf(const Side& side) const;
  std::string PathOf(const UnixSocket& socket) const;

 private:
  void MakeSides();
  bool IsServersEnd(const UnixSocket& socket) const;
  void AddUnbound();
  bool IsDatagramClient(const UnixSocket& socket) const;

  const SocketSnapshot& snapshot_;
  std::map<uint32_t, Holders> holders_;
  std::map<uint32_t, const UnixSocket*> by_inode_;
  std::vector<Side> sides_;
};

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_SOCKET_SIDES_H_

#include "tools/socket_sides.h"

#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace udsrpc::tools {
namespace {

// A name, and by which it is told from the same one elsewhere, such as in another mount namespace.
using SideKey = std::tuple<int, std::string, std::optional<UnixSocket::File>, uint32_t>;

SideKey KeyOf(const UnixSocket& socket) {
  // A file is the same however it is called.
  if (socket.file.has_value()) return {socket.type, "", socket.file, 0};
  const bool is_abstract = !socket.name.empty() && socket.name[0] == '\0';
  return {socket.type, socket.name, std::nullopt, is_abstract ? socket.network : 0};
}

}  // namespace

const UnixSocket& First(const Side& side) { return side.bound.empty() ? *side.accepted.front() : *side.bound.front(); }

SocketSides::SocketSides(const SocketSnapshot& snapshot, bool all) : snapshot_(snapshot) {
  for (const Process& process : snapshot.processes) {
    for (const uint32_t inode : process.sockets) holders_[inode].push_back(&process);
  }
  for (const UnixSocket& socket : snapshot.sockets) by_inode_[socket.inode] = &socket;
  MakeSides();
  if (all) AddUnbound();
}

const UnixSocket* SocketSides::Find(uint32_t inode) const {
  const auto found = by_inode_.find(inode);
  return found == by_inode_.end() ? nullptr : found->second;
}

Holders SocketSides::HoldersOf(uint32_t inode) const {
  const auto found = holders_.find(inode);
  return found == holders_.end() ? Holders() : found->second;
}

std::string SocketSides::PathOf(const UnixSocket& socket) const {
  const auto found = snapshot_.paths.find(socket.inode);
  return found == snapshot_.paths.end() ? socket.name : found->second;
}

void SocketSides::MakeSides() {
  std::map<SideKey, Side> sides;
  for (const UnixSocket& socket : snapshot_.sockets) {
    const bool is_bound = socket.state == UnixSocket::State::kListening ||
                          (!socket.name.empty() && socket.state == UnixSocket::State::kOther) ||
                          (!socket.name.empty() && socket.type == SOCK_DGRAM);
    if (is_bound) sides[KeyOf(socket)].bound.push_back(&socket);
  }
  for (const UnixSocket& socket : snapshot_.sockets) {
    if (socket.state != UnixSocket::State::kConnected || socket.name.empty() || socket.type == SOCK_DGRAM) continue;
    const auto side = sides.find(KeyOf(socket));
    if (side != sides.end() ? side->second.is_listening() : IsServersEnd(socket)) {
      sides[KeyOf(socket)].accepted.push_back(&socket);
    }
  }
  for (auto& [key, side] : sides) {
    side.type = std::get<int>(key);
    side.network = std::get<uint32_t>(key);
    side.name = PathOf(First(side));
    sides_.push_back(std::move(side));
  }
}

// Of a connected one that is bound to what nobody listens at: a server's that has stopped listening, unless the other
// end is bound as well, as only a client's own end can be beside one of a server.
bool SocketSides::IsServersEnd(const UnixSocket& socket) const {
  const UnixSocket* const peer = Find(socket.peer);
  return peer == nullptr || peer->name.empty();
}

// What is left is bound to nothing: ends of clients, which their servers' sides tell of, pairs, and single ones.
void SocketSides::AddUnbound() {
  std::set<uint32_t> told;
  for (const Side& side : sides_) {
    for (const UnixSocket* socket : side.bound) {
      told.insert(socket->inode);
      told.insert(socket->waiting.begin(), socket->waiting.end());
    }
    for (const UnixSocket* socket : side.accepted) {
      told.insert(socket->inode);
      told.insert(socket->peer);
    }
  }
  for (const UnixSocket& socket : snapshot_.sockets) {
    if (told.count(socket.inode) > 0 || (snapshot_.has_peers && IsDatagramClient(socket))) continue;
    told.insert(socket.inode);
    told.insert(socket.peer);
    Side side;
    side.type = socket.type;
    (socket.peer == 0 ? side.bound : side.accepted).push_back(&socket);
    sides_.push_back(std::move(side));
  }
}

bool SocketSides::IsDatagramClient(const UnixSocket& socket) const {
  const UnixSocket* const peer = Find(socket.peer);
  return socket.type == SOCK_DGRAM && peer != nullptr && !peer->name.empty();
}

Holders SocketSides::HoldersOf(const Side& side) const {
  Holders holders;
  for (const UnixSocket* socket : side.bound.empty() ? side.accepted : side.bound) {
    for (const Process* holder : HoldersOf(socket->inode)) {
      if (std::find(holders.begin(), holders.end(), holder) == holders.end()) holders.push_back(holder);
    }
  }
  return holders;
}

}  // namespace udsrpc::tools

#include "tools/socket_tree.h"

#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "common/src/socket/socket_address.h"
#include "tools/socket_sides.h"
#include "udsrpc/endpoint.h"

namespace udsrpc::tools {
namespace {

// What an endpoint has, or what is bound to nothing.
struct Group {
  std::vector<const Side*> sides;
  EndpointSockets::Evidence evidence = EndpointSockets::NONE;
  Holders holders;  // of what is bound, or else of what was accepted; the server first
};

absl::string_view TypeName(int type, bool is_grpc) {
  switch (type) {
    case SOCK_SEQPACKET:
      return "seqpacket";
    case SOCK_STREAM:
      return is_grpc ? "grpc" : "stream";
    default:
      return "datagram";
  }
}

// systemd holds the sockets of the services that it starts, and many that are none of udsrpc's.
bool IsActivator(const Process& process) { return process.name == "systemd"; }

bool HasCommon(const Holders& a, const Holders& b) {
  return std::any_of(a.begin(), a.end(),
                     [&b](const Process* holder) { return std::find(b.begin(), b.end(), holder) != b.end(); });
}

std::string TargetOf(const std::string& name) {
  if (name.empty()) return "";
  const absl::StatusOr<Endpoint> endpoint =
      name[0] == '\0' ? Endpoint::FromAbstractName(name.substr(1)) : Endpoint::FromPath(name);
  if (endpoint.ok()) return endpoint->ToString();
  return name[0] == '\0' ? "unix-abstract:" : name;  // a NUL alone, or a path that is none
}

class TreeBuilder {
 public:
  TreeBuilder(const SocketSnapshot& snapshot, const SocketFilter& filter)
      : snapshot_(snapshot), filter_(filter), sockets_(snapshot, filter.all) {}

  SocketTree Build() {
    MakeGroups();
    FindUnmarkedOfServers();
    SocketTree tree;
    std::map<std::pair<bool, pid_t>, ServerProcess*> servers;
    pid_t unknown = 0;
    for (const Group& group : groups_) {
      EndpointSockets endpoint = Describe(group);
      if (!IsWanted(group, endpoint)) continue;
      Holder process = ServerOf(group);
      // Of those that cannot be seen it is not known which are one.
      const pid_t pid = process.has_pid() ? process.pid() : ++unknown;
      ServerProcess*& server = servers[{!process.has_pid(), pid}];
      if (server == nullptr) {
        server = tree.add_servers();
        *server->mutable_process() = std::move(process);
      }
      *server->add_endpoints() = std::move(endpoint);
    }
    Sort(&tree);
    return tree;
  }

 private:
  // The stream socket that belongs to the same endpoint as a seqpacket one, or null.
  const Side* StreamBeside(const Side& seqpacket, const std::set<const Side*>& taken) const {
    const absl::string_view path = EndpointPath(seqpacket.name, SocketKind::kSeqpacket);
    if (!seqpacket.is_abstract() && path.size() == seqpacket.name.size()) return nullptr;
    const Holders holders = sockets_.HoldersOf(seqpacket);
    for (const Side& side : sockets_.sides()) {
      if (side.type != SOCK_STREAM || side.name.empty() || taken.count(&side) > 0) continue;
      if (side.network != seqpacket.network) continue;
      if (side.name != (seqpacket.is_abstract() ? absl::string_view(seqpacket.name) : path)) continue;
      const Holders others = sockets_.HoldersOf(side);
      if (holders.empty() || others.empty() || HasCommon(holders, others)) return &side;
    }
    return nullptr;
  }

  void MakeGroups() {
    std::set<const Side*> taken;
    for (const Side& side : sockets_.sides()) {
      if (side.type != SOCK_SEQPACKET || side.name.empty()) continue;
      Group group;
      const Side* const stream = StreamBeside(side, taken);
      if (stream != nullptr) {
        taken.insert(stream);
        group.sides.push_back(stream);
        group.evidence = EndpointSockets::PAIR;
      } else if (side.is_abstract() || EndpointPath(side.name, SocketKind::kSeqpacket) != side.name) {
        group.evidence = EndpointSockets::SEQPACKET;
      }
      taken.insert(&side);
      group.sides.push_back(&side);
      groups_.push_back(std::move(group));
    }
    for (const Side& side : sockets_.sides()) {
      if (taken.count(&side) > 0) continue;
      Group group;
      group.sides.push_back(&side);
      groups_.push_back(std::move(group));
    }
    for (Group& group : groups_) FindHolders(&group);
  }

  // Of several the server is that which has accepted most; an activator only where it is alone.
  void FindHolders(Group* group) const {
    std::map<const Process*, size_t> accepted;
    for (const Side* side : group->sides) {
      for (const Process* holder : sockets_.HoldersOf(*side)) accepted.try_emplace(holder, 0);
      for (const UnixSocket* socket : side->accepted) {
        for (const Process* holder : sockets_.HoldersOf(socket->inode)) ++accepted[holder];
      }
    }
    for (const auto& [holder, count] : accepted) group->holders.push_back(holder);
    std::sort(group->holders.begin(), group->holders.end(), [&accepted](const Process* a, const Process* b) {
      return std::tuple(IsActivator(*a), accepted[b], a->pid) < std::tuple(IsActivator(*b), accepted[a], b->pid);
    });
  }

  // gRPC alone looks as any stream server does. But a process that has udsrpc's endpoints is likely to have more.
  void FindUnmarkedOfServers() {
    std::set<const Process*> servers;
    for (const Group& group : groups_) {
      if (group.evidence != EndpointSockets::NONE && !group.holders.empty()) servers.insert(group.holders.front());
    }
    for (Group& group : groups_) {
      if (group.evidence != EndpointSockets::NONE || group.holders.empty() || !group.sides.front()->is_listening()) {
        continue;
      }
      const Process* const server = group.holders.front();
      if (servers.count(server) > 0 && !IsActivator(*server)) group.evidence = EndpointSockets::PROCESS;
    }
  }

  bool IsWanted(const Group& group, const EndpointSockets& endpoint) const {
    if (filter_.target.empty()) return filter_.all || group.evidence != EndpointSockets::NONE;
    if (endpoint.target() == filter_.target) return true;
    return std::any_of(group.sides.begin(), group.sides.end(), [this](const Side* side) {
      return side->is_listening() && First(*side).file.has_value() &&
             filter_.files.count(First(*side).file->inode) > 0 && HasNameOfTarget(*side);
    });
  }

  // Inodes are unique in a file system only: the name must be the same as well, though the way to it need not be.
  bool HasNameOfTarget(const Side& side) const {
    const absl::string_view path =
        side.type == SOCK_SEQPACKET ? EndpointPath(side.name, SocketKind::kSeqpacket) : absl::string_view(side.name);
    const std::string target = TargetOf(std::string(path.substr(path.rfind('/') + 1)));
    return absl::EndsWith(filter_.target, "/" + target.substr(target.find(':') + 1));
  }

  Holder ServerOf(const Group& group) const {
    return group.holders.empty() ? Unknown(First(*group.sides.front()).uid) : Known(*group.holders.front());
  }

  Holder Known(const Process& process) const {
    Holder known = Unknown(process.uid);
    known.set_pid(process.pid);
    known.set_name(process.name);
    known.set_command(process.command_line.empty() ? process.name : process.command_line);
    return known;
  }

  Holder Unknown(std::optional<uid_t> uid) const {
    Holder process;
    if (!uid.has_value()) return process;
    process.set_uid(*uid);
    const auto user = snapshot_.users.find(*uid);
    if (user != snapshot_.users.end()) process.set_user(user->second);
    return process;
  }

  // Who has the other end of a connection.
  Holder ProcessOf(uint32_t inode) const {
    const Holders holders = sockets_.HoldersOf(inode);
    if (!holders.empty()) return Known(*holders.front());
    const UnixSocket* const socket = sockets_.Find(inode);
    return Unknown(socket == nullptr ? std::nullopt : socket->uid);
  }

  EndpointSockets Describe(const Group& group) const {
    EndpointSockets endpoint;
    endpoint.set_evidence(group.evidence);
    const Side& first = *group.sides.front();
    endpoint.set_target(TargetOf(group.evidence == EndpointSockets::SEQPACKET && !first.is_abstract()
                                     ? std::string(EndpointPath(first.name, SocketKind::kSeqpacket))
                                     : first.name));
    if (first.network != 0) endpoint.set_network(first.network);
    Clients clients;
    for (const Side* side : group.sides) {
      const absl::string_view transport = TypeName(side->type, group.evidence == EndpointSockets::PAIR);
      DescribeSocket(*side, transport, &endpoint);
      AddClients(*side, std::string(transport), &clients);
    }
    for (size_t i = 1; i < group.holders.size(); ++i) *endpoint.add_also_held_by() = Known(*group.holders[i]);
    for (auto& [key, client] : clients) *endpoint.add_clients() = std::move(client);
    return endpoint;
  }

  void DescribeSocket(const Side& side, absl::string_view transport, EndpointSockets* endpoint) const {
    const UnixSocket& first = First(side);
    Socket* const socket = endpoint->add_sockets();
    socket->set_transport(std::string(transport));
    socket->set_inode(first.inode);
    socket->set_listening(side.is_listening());
    if (side.is_listening() && first.receive_queue.has_value() && first.send_queue.has_value()) {
      socket->set_backlog(*first.receive_queue);
      socket->set_backlog_limit(*first.send_queue);
    }
    if (snapshot_.missing.count(first.inode) > 0) endpoint->set_file_missing(true);
  }

  // By transport, pid (unknown ones last), uid and address.
  using Clients = std::map<std::tuple<std::string, bool, pid_t, uint32_t, std::string>, Client>;

  Client& ClientAt(uint32_t inode, const std::string& transport, Clients* clients) const {
    const UnixSocket* const own = sockets_.Find(inode);
    const std::string address = own == nullptr ? "" : TargetOf(sockets_.PathOf(*own));
    Holder process = ProcessOf(inode);
    Client& client = (*clients)[{transport, !process.has_pid(), process.pid(), process.uid(), address}];
    *client.mutable_process() = std::move(process);
    client.set_transport(transport);
    client.set_address(address);
    return client;
  }

  void AddClients(const Side& side, const std::string& transport, Clients* clients) const {
    for (const UnixSocket* socket : side.accepted) {
      if (snapshot_.has_peers && socket->peer == 0) continue;  // it has closed its end
      Client& client = ClientAt(socket->peer, transport, clients);
      client.set_connections(client.connections() + 1);
      const UnixSocket* const peer = sockets_.Find(socket->peer);
      if (socket->receive_queue.has_value()) {
        client.set_unread_by_server(client.unread_by_server() + *socket->receive_queue);
      }
      if (peer != nullptr && peer->receive_queue.has_value()) {
        client.set_unread_by_client(client.unread_by_client() + *peer->receive_queue);
      }
    }
    for (const UnixSocket* listener : side.bound) {
      for (const uint32_t inode : listener->waiting) {
        if (inode == 0) continue;
        Client& client = ClientAt(inode, transport, clients);
        client.set_waiting(client.waiting() + 1);
      }
      if (side.type != SOCK_DGRAM) continue;
      for (const UnixSocket& socket : snapshot_.sockets) {
        if (socket.type != SOCK_DGRAM || socket.peer != listener->inode) continue;
        Client& client = ClientAt(socket.inode, transport, clients);
        client.set_connections(client.connections() + 1);
      }
    }
  }

  static void Sort(SocketTree* tree) {
    for (ServerProcess& server : *tree->mutable_servers()) {
      std::stable_sort(server.mutable_endpoints()->begin(), server.mutable_endpoints()->end(),
                       [](const EndpointSockets& a, const EndpointSockets& b) {
                         return std::tuple(a.target().empty(), a.target()) < std::tuple(b.target().empty(), b.target());
                       });
    }
    const auto key_of = [](const ServerProcess& server) {
      return std::tuple(!server.process().has_pid(), server.process().pid(), server.process().uid(),
                        server.endpoints(0).target());
    };
    std::sort(tree->mutable_servers()->begin(), tree->mutable_servers()->end(),
              [&key_of](const ServerProcess& a, const ServerProcess& b) { return key_of(a) < key_of(b); });
  }

  const SocketSnapshot& snapshot_;
  const SocketFilter& filter_;
  const SocketSides sockets_;
  std::vector<Group> groups_;
};

}  // namespace

SocketTree BuildSocketTree(const SocketSnapshot& snapshot, const SocketFilter& filter) {
  return TreeBuilder(snapshot, filter).Build();
}

}  // namespace udsrpc::tools

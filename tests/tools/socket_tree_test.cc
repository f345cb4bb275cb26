// The tree that is made of what was seen of a host.

#include "tools/socket_tree.h"

#include <sys/socket.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace udsrpc::testing {
namespace {

using tools::BuildSocketTree;
using tools::EndpointSockets;
using tools::SocketFilter;
using tools::SocketSnapshot;
using tools::SocketTree;
using tools::UnixSocket;

UnixSocket Listener(uint32_t inode, int type, const std::string& name) {
  return {.inode = inode,
          .type = type,
          .state = UnixSocket::State::kListening,
          .name = name,
          .receive_queue = 0,
          .send_queue = 4096,
          .uid = 0};
}

UnixSocket Connected(uint32_t inode, int type, const std::string& name, uint32_t peer) {
  return {.inode = inode,
          .type = type,
          .state = UnixSocket::State::kConnected,
          .name = name,
          .peer = peer,
          .receive_queue = 0,
          .send_queue = 0,
          .uid = 1000};
}

tools::Process ProcessWith(pid_t pid, const std::string& name, std::vector<uint32_t> sockets) {
  tools::Process process;
  process.pid = pid;
  process.uid = 7;
  process.name = name;
  process.command_line = name + " --flag";
  process.sockets = std::move(sockets);
  return process;
}

const std::string kAbstract("\0greeter", 8);

// A server, 100, of a path and an abstract name, and clients of it.
SocketSnapshot GreeterSnapshot() {
  SocketSnapshot snapshot;
  snapshot.sockets = {
      Listener(1, SOCK_STREAM, "/run/g.sock"),
      Listener(2, SOCK_SEQPACKET, "/run/g.sock.seqpacket"),
      Listener(3, SOCK_STREAM, kAbstract),
      Listener(4, SOCK_SEQPACKET, kAbstract),
      Connected(10, SOCK_STREAM, "/run/g.sock", 11),
      Connected(11, SOCK_STREAM, "", 10),
      Connected(12, SOCK_SEQPACKET, "/run/g.sock.seqpacket", 13),
      Connected(13, SOCK_SEQPACKET, "", 12),
      Connected(14, SOCK_SEQPACKET, "/run/g.sock.seqpacket", 15),
      Connected(15, SOCK_SEQPACKET, "", 14),
      Connected(16, SOCK_SEQPACKET, kAbstract, 17),
      Connected(17, SOCK_SEQPACKET, "", 16),
  };
  snapshot.processes = {ProcessWith(100, "greeter", {1, 2, 3, 4, 10, 12, 14, 16}), ProcessWith(201, "one", {11}),
                        ProcessWith(202, "two", {13, 15})};
  snapshot.users = {{7, "seven"}, {1000, "alice"}};
  return snapshot;
}

SocketTree TreeOf(const SocketSnapshot& snapshot, const SocketFilter& filter = {}) {
  return BuildSocketTree(snapshot, filter);
}

TEST(SocketTreeTest, BothSocketsOfAnEndpointAreOneAndConnectionsAreCountedByProcess) {
  const SocketTree tree = TreeOf(GreeterSnapshot());
  ASSERT_EQ(tree.servers_size(), 1);
  EXPECT_EQ(tree.servers(0).process().pid(), 100);
  EXPECT_EQ(tree.servers(0).process().user(), "seven");
  EXPECT_EQ(tree.servers(0).process().command(), "greeter --flag");
  ASSERT_EQ(tree.servers(0).endpoints_size(), 2);

  const EndpointSockets& abstract = tree.servers(0).endpoints(0);
  EXPECT_EQ(abstract.target(), "unix-abstract:greeter");
  EXPECT_EQ(abstract.evidence(), EndpointSockets::PAIR);
  ASSERT_EQ(abstract.clients_size(), 1);
  EXPECT_FALSE(abstract.clients(0).process().has_pid());
  EXPECT_EQ(abstract.clients(0).process().uid(), 1000u) << "whom the socket belongs to is known to everybody";
  EXPECT_EQ(abstract.clients(0).process().user(), "alice");

  const EndpointSockets& path = tree.servers(0).endpoints(1);
  EXPECT_EQ(path.target(), "unix:/run/g.sock");
  ASSERT_EQ(path.sockets_size(), 2);
  EXPECT_EQ(path.sockets(0).transport(), "grpc");
  EXPECT_EQ(path.sockets(0).inode(), 1u);
  EXPECT_EQ(path.sockets(1).transport(), "seqpacket");
  EXPECT_EQ(path.sockets(1).backlog_limit(), 4096u);
  ASSERT_EQ(path.clients_size(), 2);
  EXPECT_EQ(path.clients(0).process().pid(), 201);
  EXPECT_EQ(path.clients(0).transport(), "grpc");
  EXPECT_EQ(path.clients(1).process().pid(), 202);
  EXPECT_EQ(path.clients(1).connections(), 2u);
}

TEST(SocketTreeTest, WhoWaitsAndWhatIsUnreadIsTold) {
  SocketSnapshot snapshot = GreeterSnapshot();
  snapshot.sockets[1].waiting = {30, 0};
  snapshot.sockets[1].receive_queue = 2;
  snapshot.sockets[6].receive_queue = 640;
  snapshot.sockets[7].receive_queue = 32;
  snapshot.sockets.push_back(Connected(30, SOCK_SEQPACKET, "", 0));
  snapshot.processes.push_back(ProcessWith(203, "three", {30}));
  const EndpointSockets path = TreeOf(snapshot).servers(0).endpoints(1);
  EXPECT_EQ(path.sockets(1).backlog(), 2u);
  ASSERT_EQ(path.clients_size(), 3);
  EXPECT_EQ(path.clients(1).unread_by_server(), 640u);
  EXPECT_EQ(path.clients(1).unread_by_client(), 32u);
  EXPECT_EQ(path.clients(2).process().pid(), 203);
  EXPECT_EQ(path.clients(2).waiting(), 1u);
  EXPECT_EQ(path.clients(2).connections(), 0u);
}

TEST(SocketTreeTest, OthersAreShownOnlyWhereAskedFor) {
  SocketSnapshot snapshot;
  snapshot.sockets = {Listener(1, SOCK_STREAM, "/run/dbus"),
                      Listener(2, SOCK_SEQPACKET, "/run/udev/control"),
                      Connected(3, SOCK_STREAM, "", 4),
                      Connected(4, SOCK_STREAM, "", 3),
                      UnixSocket{.inode = 5, .type = SOCK_DGRAM, .name = "/dev/log"},
                      UnixSocket{.inode = 6, .type = SOCK_DGRAM, .state = UnixSocket::State::kConnected, .peer = 5}};
  snapshot.processes = {ProcessWith(1, "init", {1, 2, 3, 5}), ProcessWith(50, "logger", {4, 6})};
  EXPECT_EQ(TreeOf(snapshot).servers_size(), 0);
  const SocketTree all = TreeOf(snapshot, {.all = true});
  ASSERT_EQ(all.servers_size(), 1);
  ASSERT_EQ(all.servers(0).endpoints_size(), 4);
  const EndpointSockets& log = all.servers(0).endpoints(0);
  EXPECT_EQ(log.target(), "unix:/dev/log");
  EXPECT_EQ(log.sockets(0).transport(), "datagram");
  EXPECT_EQ(log.clients(0).process().pid(), 50);
  EXPECT_EQ(all.servers(0).endpoints(1).target(), "unix:/run/dbus");
  EXPECT_EQ(all.servers(0).endpoints(1).sockets(0).transport(), "stream");
  EXPECT_EQ(all.servers(0).endpoints(1).evidence(), EndpointSockets::NONE);
  const EndpointSockets& pair = all.servers(0).endpoints(3);
  EXPECT_EQ(pair.target(), "");
  EXPECT_EQ(pair.clients(0).process().pid(), 50);

  const SocketTree one = TreeOf(snapshot, {.target = "unix:/run/dbus"});
  ASSERT_EQ(one.servers_size(), 1);
  ASSERT_EQ(one.servers(0).endpoints_size(), 1);
  EXPECT_EQ(one.servers(0).endpoints(0).target(), "unix:/run/dbus");
}

TEST(SocketTreeTest, SeqpacketAloneIsShownAndWhatElseItsServerListensOn) {
  SocketSnapshot snapshot;
  snapshot.sockets = {Listener(1, SOCK_SEQPACKET, "/run/a.seqpacket"), Listener(2, SOCK_STREAM, "/run/b"),
                      Listener(3, SOCK_STREAM, "/run/c")};
  snapshot.processes = {ProcessWith(1, "one", {1, 2}), ProcessWith(2, "two", {3})};
  const SocketTree tree = TreeOf(snapshot);
  ASSERT_EQ(tree.servers_size(), 1);
  ASSERT_EQ(tree.servers(0).endpoints_size(), 2);
  EXPECT_EQ(tree.servers(0).endpoints(0).target(), "unix:/run/a");
  EXPECT_EQ(tree.servers(0).endpoints(0).evidence(), EndpointSockets::SEQPACKET);
  EXPECT_EQ(tree.servers(0).endpoints(1).target(), "unix:/run/b");
  EXPECT_EQ(tree.servers(0).endpoints(1).evidence(), EndpointSockets::PROCESS);
  EXPECT_EQ(tree.servers(0).endpoints(1).sockets(0).transport(), "stream");
}

TEST(SocketTreeTest, TwoContainersWithTheSamePathAreTwoEndpoints) {
  SocketSnapshot snapshot;
  for (uint32_t i = 1; i <= 2; ++i) {
    snapshot.sockets.push_back(Listener(10 * i, SOCK_STREAM, "/s"));
    snapshot.sockets.back().file = UnixSocket::File{.device = i, .inode = 1};
    snapshot.sockets.push_back(Listener(10 * i + 1, SOCK_SEQPACKET, "/s.seqpacket"));
    snapshot.sockets.back().file = UnixSocket::File{.device = i, .inode = 2};
    snapshot.sockets.push_back(Connected(10 * i + 2, SOCK_SEQPACKET, "/s.seqpacket", 10 * i + 3));
    snapshot.sockets.back().file = UnixSocket::File{.device = i, .inode = 2};
    snapshot.sockets.push_back(Connected(10 * i + 3, SOCK_SEQPACKET, "", 10 * i + 2));
    snapshot.processes.push_back(ProcessWith(static_cast<pid_t>(100 * i), "server", {10 * i, 10 * i + 1, 10 * i + 2}));
    snapshot.processes.push_back(ProcessWith(static_cast<pid_t>(100 * i + 1), "client", {10 * i + 3}));
  }
  const SocketTree tree = TreeOf(snapshot);
  ASSERT_EQ(tree.servers_size(), 2);
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(tree.servers(i).endpoints_size(), 1);
    EXPECT_EQ(tree.servers(i).endpoints(0).evidence(), EndpointSockets::PAIR);
    ASSERT_EQ(tree.servers(i).endpoints(0).clients_size(), 1);
    EXPECT_EQ(tree.servers(i).endpoints(0).clients(0).process().pid(), tree.servers(i).process().pid() + 1);
  }
}

TEST(SocketTreeTest, OfSeveralHoldersTheServerIsTheOneThatAccepts) {
  SocketSnapshot snapshot = GreeterSnapshot();
  snapshot.processes.insert(snapshot.processes.begin(), ProcessWith(1, "systemd", {1, 2, 3, 4}));
  snapshot.processes.push_back(ProcessWith(300, "old", {1, 2, 3, 4}));
  const SocketTree tree = TreeOf(snapshot);
  ASSERT_EQ(tree.servers_size(), 1);
  EXPECT_EQ(tree.servers(0).process().pid(), 100);
  const EndpointSockets& path = tree.servers(0).endpoints(1);
  ASSERT_EQ(path.also_held_by_size(), 2);
  EXPECT_EQ(path.also_held_by(0).pid(), 300);
  EXPECT_EQ(path.also_held_by(1).pid(), 1);
}

TEST(SocketTreeTest, ConnectionsThatAreLeftAreShownWhenTheirListenerIsClosed) {
  SocketSnapshot snapshot = GreeterSnapshot();
  snapshot.sockets.erase(snapshot.sockets.begin(), snapshot.sockets.begin() + 4);
  snapshot.missing = {12};
  const SocketTree tree = TreeOf(snapshot);
  ASSERT_EQ(tree.servers_size(), 1);
  ASSERT_EQ(tree.servers(0).endpoints_size(), 2);
  const EndpointSockets& path = tree.servers(0).endpoints(1);
  EXPECT_EQ(path.target(), "unix:/run/g.sock");
  EXPECT_FALSE(path.sockets(0).listening());
  EXPECT_FALSE(path.sockets(0).has_backlog());
  EXPECT_TRUE(path.file_missing());
  EXPECT_EQ(path.clients_size(), 2);
}

TEST(SocketTreeTest, AClientsOwnAddressIsNoEndpoint) {
  SocketSnapshot snapshot = GreeterSnapshot();
  snapshot.sockets[7].name = "/run/client.seqpacket";  // the end of 202, over seqpacket
  const SocketTree tree = TreeOf(snapshot);
  ASSERT_EQ(tree.servers_size(), 1);
  const EndpointSockets& path = tree.servers(0).endpoints(1);
  ASSERT_EQ(path.clients_size(), 3) << "its connections differ by where they come from";
  EXPECT_EQ(path.clients(1).address(), "");
  EXPECT_EQ(path.clients(2).address(), "unix:/run/client.seqpacket");
}

TEST(SocketTreeTest, ALongPathIsThatOfTheSnapshot) {
  SocketSnapshot snapshot;
  snapshot.sockets = {Listener(1, SOCK_STREAM, "/proc/self/fd/5/s"),
                      Listener(2, SOCK_SEQPACKET, "/proc/self/fd/6/s.seqpacket")};
  snapshot.processes = {ProcessWith(9, "server", {1, 2})};
  snapshot.paths = {{1, "/long/s"}, {2, "/long/s.seqpacket"}};
  SocketTree tree = TreeOf(snapshot);
  ASSERT_EQ(tree.servers_size(), 1);
  ASSERT_EQ(tree.servers(0).endpoints_size(), 1);
  EXPECT_EQ(tree.servers(0).endpoints(0).target(), "unix:/long/s");
  EXPECT_EQ(tree.servers(0).endpoints(0).evidence(), EndpointSockets::PAIR);

  snapshot.paths.clear();
  tree = TreeOf(snapshot);
  ASSERT_EQ(tree.servers(0).endpoints_size(), 2) << "without it, each is what the kernel calls it";
  EXPECT_EQ(tree.servers(0).endpoints(0).target(), "unix:/proc/self/fd/5/s");
}

TEST(SocketTreeTest, ATargetIsFoundByItsFileWhateverLeadsThere) {
  SocketSnapshot snapshot = GreeterSnapshot();
  snapshot.sockets[0].file = UnixSocket::File{.device = 1, .inode = 77};
  EXPECT_EQ(TreeOf(snapshot, {.target = "unix:/var/run/g.sock", .files = {77}}).servers_size(), 1);
  EXPECT_EQ(TreeOf(snapshot, {.target = "unix:/var/run/other", .files = {77}}).servers_size(), 0);
  EXPECT_EQ(TreeOf(snapshot, {.target = "unix:/var/run/g.sock"}).servers_size(), 0);
}

TEST(SocketTreeTest, WithoutPeersConnectionsAreCounted) {
  SocketSnapshot snapshot = GreeterSnapshot();
  snapshot.has_peers = false;
  for (UnixSocket& socket : snapshot.sockets) {
    socket.peer = 0;
    socket.uid.reset();
  }
  const SocketTree tree = TreeOf(snapshot);
  const EndpointSockets& path = tree.servers(0).endpoints(1);
  ASSERT_EQ(path.clients_size(), 2);
  EXPECT_FALSE(path.clients(1).process().has_pid());
  EXPECT_FALSE(path.clients(1).process().has_uid());
  EXPECT_EQ(path.clients(1).connections(), 2u);
}

TEST(SocketTreeTest, NothingIsNoTreeAndWhatVanishesMeanwhileIsNoError) {
  EXPECT_EQ(TreeOf({}).servers_size(), 0);
  EXPECT_EQ(TreeOf({}, {.all = true}).servers_size(), 0);
  SocketSnapshot snapshot = GreeterSnapshot();
  snapshot.processes.clear();
  const SocketTree tree = TreeOf(snapshot);
  ASSERT_EQ(tree.servers_size(), 2) << "which may be one process, or two";
  EXPECT_FALSE(tree.servers(0).process().has_pid());
  EXPECT_EQ(tree.servers(0).endpoints_size(), 1);
  EXPECT_EQ(tree.servers(1).endpoints_size(), 1);
  EXPECT_EQ(tree.servers(1).endpoints(0).evidence(), EndpointSockets::PAIR) << "where nobody is known to be another";
}

}  // namespace
}  // namespace udsrpc::testing

// One server takes over from another, process by process.

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/src/socket/socket.h"
#include "gmock/gmock.h"
#include "server/src/takeover_successor.h"
#include "tests/integration/combinations.h"
#include "tests/integration/takeover_fixture.h"
#include "tests/integration/takeover_load.h"

namespace udsrpc::testing {
namespace {

#ifdef UDSRPC_SANITIZED
constexpr int kTakeovers = 5;
#else
constexpr int kTakeovers = 50;
#endif

TEST_F(TakeoverTest, AgainAndAgainUnderLoadNoCallFails) {
  auto server = StartServer();
  const ino_t inodes[] = {Inode(dir_.File("s")), Inode(dir_.File("s.seqpacket")), Inode(path_)};
  TakeoverLoad grpc(target_, Transport::kGrpc);
  TakeoverLoad seqpacket(target_, Transport::kSeqpacket);
  for (int i = 0; i < kTakeovers; ++i) {
    ASSERT_TRUE(grpc.AwaitEach(2) && seqpacket.AwaitEach(2)) << i;
    auto successor = StartServer();
    ExpectTakenOver(*server);
    server = std::move(successor);
  }
  EXPECT_TRUE(grpc.AwaitEach(2) && seqpacket.AwaitEach(2));
  grpc.Stop();
  seqpacket.Stop();
  EXPECT_THAT(grpc.failures(), ::testing::IsEmpty());
  EXPECT_THAT(seqpacket.failures(), ::testing::IsEmpty());
  EXPECT_EQ(Inode(dir_.File("s")), inodes[0]);
  EXPECT_EQ(Inode(dir_.File("s.seqpacket")), inodes[1]);
  EXPECT_EQ(Inode(path_), inodes[2]);
  std::printf("%d takeovers, %d calls over gRPC and %d over seqpacket\n", kTakeovers, grpc.calls(), seqpacket.calls());
  ShutDown(*server);
}

TEST_F(TakeoverTest, WhereNobodyRunsTheServerClaimsAndInTheEndRemovesItsFiles) {
  auto server = StartServer();
  struct stat file;
  ASSERT_EQ(stat(path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 07777, 0600U);
  ExpectEcho(Stub(Transport::kGrpc), "first");
  ShutDown(*server);
  EXPECT_TRUE(dir_.IsEmpty());
  // What one that is killed leaves is claimed, too.
  server = StartServer();
  server->Kill(SIGKILL);
  EXPECT_EQ(server->Wait(), -SIGKILL);
  server = StartServer();
  ShutDown(*server);
}

TEST_F(TakeoverTest, EndpointsThatDifferAreClosedAndClaimed) {
  const std::string abstract = absl::StrCat("unix-abstract:udsrpc.test.takeover.", getpid());
  auto server = StartServer({target_, "unix:" + dir_.File("old"), abstract});
  const ino_t inode = Inode(dir_.File("s"));
  auto successor = StartServer({"unix:" + dir_.File("new"), abstract, target_});
  ExpectTakenOver(*server);
  EXPECT_EQ(Inode(dir_.File("s")), inode);
  EXPECT_EQ(Inode(dir_.File("old")), 0U);
  EXPECT_EQ(Inode(dir_.File("old.seqpacket")), 0U);
  for (const Transport transport : {Transport::kGrpc, Transport::kSeqpacket}) {
    for (const std::string& target : {target_, abstract, "unix:" + dir_.File("new")}) {
      ExpectEcho(TestStub(*CreateChannel(target, {.transport = transport})), "successor");
    }
  }
  ShutDown(*successor);
}

TEST_F(TakeoverTest, ManyEndpointsAreHandedOverAtOnce) {
  std::vector<std::string> targets;
  for (int i = 0; i < 100; ++i) targets.push_back(absl::StrCat("unix:", dir_.File("s"), i));
  auto server = StartServer(targets);
  const ino_t inode = Inode(dir_.File("s99.seqpacket"));
  auto successor = StartServer(targets);
  ExpectTakenOver(*server);
  EXPECT_EQ(Inode(dir_.File("s99.seqpacket")), inode);
  ExpectEcho(TestStub(*CreateChannel(targets.front())), "first");
  ExpectEcho(TestStub(*CreateChannel(targets.back(), {.transport = Transport::kSeqpacket})), "last");
  ShutDown(*successor);
}

TEST_F(TakeoverTest, ALongPathIsTakenOver) {
  const std::string directory = dir_.File(std::string(150, 'd'));
  std::filesystem::create_directory(directory);
  const std::string target = "unix:" + directory + "/s";
  auto server = StartServer({target});
  const ino_t inode = Inode(directory + "/s");
  auto successor = StartServer({target});
  ExpectTakenOver(*server);
  EXPECT_EQ(Inode(directory + "/s"), inode);
  ExpectEcho(TestStub(*CreateChannel(target)), "as before");
  ExpectEcho(TestStub(*CreateChannel(target, {.transport = Transport::kSeqpacket})), "as before");
  ShutDown(*successor);
  EXPECT_TRUE(std::filesystem::remove(directory));  // which is empty
}

// As systemd keeps those that it has passed.
TEST_F(TakeoverTest, ASocketThatAnotherProcessKeepsIsNeverShutDown) {
  const SocketAddress address = *SocketAddress::Of(*Endpoint::Parse(target_), SocketKind::kSeqpacket);
  const UniqueFd kept = *OpenSocket(SocketKind::kSeqpacket);
  ASSERT_EQ(bind(kept.get(), address.get(), address.size()), 0);
  ASSERT_EQ(listen(kept.get(), 8), 0);
  TestServiceImpl service;
  const auto serve = [&](bool passed) {
    ServerBuilder builder;
    builder.RegisterService(&service).EnableTakeover(path_);
    if (passed) builder.AddListeningSocket(UniqueFd(dup(kept.get())));
    if (!passed) builder.AddEndpoint(target_, {.grpc = false});
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    EXPECT_TRUE(server.ok()) << server.status();
    return server.ok() ? *std::move(server) : nullptr;
  };
  for (int i = 0; i < 2; ++i) {
    auto first = serve(/*passed=*/true);
    auto second = serve(/*passed=*/false);
    EXPECT_EQ(first->Wait(), Server::End::kTakenOver);
    auto third = serve(/*passed=*/false);
    EXPECT_EQ(second->Wait(), Server::End::kTakenOver);
    ExpectEcho(Stub(Transport::kSeqpacket), "third");
    third->Shutdown();
    EXPECT_EQ(third->Wait(), Server::End::kShutdown);
    EXPECT_NE(Inode(dir_.File("s.seqpacket")), 0U);
  }
  std::filesystem::remove(dir_.File("s.seqpacket"));
}

// They have no address to go to.
TEST_F(TakeoverTest, ConnectionsWithoutANameStayToTheEnd) {
  TestServiceImpl service;
  const auto serve = [&] {
    ServerBuilder builder;
    builder.RegisterService(&service).AddUnnamedEndpoint().AddEndpoint(target_);
    builder.EnableTakeover(path_, {.drain_timeout = absl::Seconds(1000)});
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    EXPECT_TRUE(server.ok()) << server.status();
    return server.ok() ? *std::move(server) : nullptr;
  };
  const auto server = serve();
  std::vector<TestStub> stubs;
  for (const Transport transport : {Transport::kGrpc, Transport::kSeqpacket}) {
    int fds[2];
    const int type = transport == Transport::kGrpc ? SOCK_STREAM : SOCK_SEQPACKET;
    ASSERT_EQ(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0);
    ASSERT_EQ(server->AddConnection(UniqueFd(fds[0])), absl::OkStatus());
    stubs.emplace_back(*CreateChannelFromFd(UniqueFd(fds[1]), {.transport = transport}));
    ExpectEcho(stubs.back(), "before");
  }
  const TestStub moves = Stub(Transport::kSeqpacket);
  ExpectEcho(moves, "before");
  const auto successor = serve();
  for (int i = 0; i < 5; ++i) {
    for (const TestStub& stub : stubs) ExpectEcho(stub, "beside");
    ExpectEcho(moves, "there");
  }
  server->Shutdown(absl::InfinitePast());
  EXPECT_EQ(server->Wait(), Server::End::kTakenOver);
  for (const TestStub& stub : stubs) EXPECT_EQ(TryEcho(stub).code(), absl::StatusCode::kUnavailable);
  ExpectEcho(moves, "there");
}

TEST_F(TakeoverTest, AFileThatSomebodyHasRemovedIsMadeAgain) {
  auto server = StartServer();
  std::filesystem::remove(dir_.File("s.seqpacket"));
  auto successor = StartServer();
  ExpectTakenOver(*server);
  ExpectEcho(Stub(Transport::kGrpc), "as before");
  ExpectEcho(Stub(Transport::kSeqpacket), "there again");
  ShutDown(*successor);
}

TEST_F(TakeoverTest, ClientsThatWaitInTheBacklogNoticeNothing) {
  auto server = StartServer();
  bool died;
  auto taken = TakeoverSuccessor::Connect(*Endpoint::FromPath(path_), &died);
  EXPECT_FALSE(died);
  ASSERT_TRUE(taken.ok() && *taken != nullptr) << taken.status();
  std::optional<ListeningSocket> sockets[] = {(*taken)->Take(*Endpoint::Parse(target_), SocketKind::kStream),
                                              (*taken)->Take(*Endpoint::Parse(target_), SocketKind::kSeqpacket),
                                              (*taken)->TakeControl()};
  ASSERT_TRUE(sockets[0] && sockets[1] && sockets[2]);
  ASSERT_EQ((*taken)->HandOver(), absl::OkStatus());
  (*taken)->Serving();
  ExpectTakenOver(*server);
  // Nobody accepts now.
  std::vector<std::thread> callers;
  for (const Transport transport : {Transport::kGrpc, Transport::kSeqpacket}) {
    callers.emplace_back([this, transport] { ExpectEcho(Stub(transport), "waited"); });
    const SocketKind kind = transport == Transport::kGrpc ? SocketKind::kStream : SocketKind::kSeqpacket;
    pollfd readable{.fd = sockets[kind == SocketKind::kStream ? 0 : 1]->fd(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&readable, 1, 20000), 1);
  }
  TestServiceImpl service;
  ServerBuilder builder;
  builder.AddListeningSocket(UniqueFd(dup(sockets[0]->fd())))
      .AddListeningSocket(UniqueFd(dup(sockets[1]->fd())))
      .RegisterService(&service);
  const auto successor = builder.Start();
  EXPECT_TRUE(successor.ok()) << successor.status();
  for (std::thread& caller : callers) caller.join();
  for (auto& socket : sockets) socket->Own();  // and so removes its file
}

TEST_F(TakeoverTest, WhatRunsGoesOnUntilTheDrainIsOver) {
  auto server = StartServer({target_}, /*drain_milliseconds=*/2000);
  for (const Transport transport : {Transport::kGrpc, Transport::kSeqpacket}) {
    const TestStub stub = Stub(transport);
    ClientContext ends;
    ClientContext lasts;
    auto one = stub.Chat(ends);
    auto other = stub.Chat(lasts);
    EchoRequest request;
    EchoReply reply;
    EXPECT_TRUE(one.Write(request) && one.Read(reply) && other.Write(request) && other.Read(reply));
    auto successor = StartServer({target_}, 2000);
    EXPECT_TRUE(one.Write(request) && one.Read(reply));
    one.WritesDone();
    EXPECT_EQ(one.Finish(), absl::OkStatus());
    ExpectEcho(stub, "beside");
    EXPECT_FALSE(other.Read(reply));
    EXPECT_FALSE(other.Finish().ok());
    ExpectTakenOver(*server);
    server = std::move(successor);
  }
  ShutDown(*server);
}

TEST_F(TakeoverTest, ShutdownCutsTheDrainShort) {
  auto server = StartServer({target_}, /*drain_milliseconds=*/1000 * 1000);
  for (const Transport transport : {Transport::kGrpc, Transport::kSeqpacket}) {
    const TestStub stub = Stub(transport);
    ClientContext context;
    auto chat = stub.Chat(context);
    EchoRequest request;
    EchoReply reply;
    EXPECT_TRUE(chat.Write(request) && chat.Read(reply));
    auto successor = StartServer({target_}, 1000 * 1000);
    chat.WritesDone();
    server->CloseInput();
    EXPECT_EQ(chat.Finish(), absl::OkStatus());
    ExpectTakenOver(*server);
    server = std::move(successor);
  }
  ShutDown(*server);
}

}  // namespace
}  // namespace udsrpc::testing

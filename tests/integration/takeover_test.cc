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

#include "absl/strings/match.h"
#include "common/src/socket/socket.h"
#include "gmock/gmock.h"
#include "server/src/takeover_successor.h"
#include "tests/integration/combinations.h"
#include "tests/integration/takeover_load.h"
#include "tests/support/child_process.h"
#include "tests/support/program_for_others.h"

namespace udsrpc::testing {
namespace {

using ::testing::HasSubstr;

class TakeoverTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_TRUE(dir_.IsEmpty()) << "a file is left in " << dir_.path(); }

  std::unique_ptr<ChildProcess> StartProcess(const std::vector<std::string>& targets, int drain_milliseconds = 20000) {
    std::vector<std::string> arguments{UDSRPC_TAKEOVER_SERVER, path_, absl::StrCat(drain_milliseconds)};
    arguments.insert(arguments.end(), targets.begin(), targets.end());
    return std::make_unique<ChildProcess>(arguments);
  }
  // One that serves.
  std::unique_ptr<ChildProcess> StartServer(const std::vector<std::string>& targets, int drain_milliseconds = 20000) {
    auto server = StartProcess(targets, drain_milliseconds);
    EXPECT_EQ(server->ReadLine(), "ready");
    return server;
  }
  std::unique_ptr<ChildProcess> StartServer() { return StartServer({target_}); }

  static void ExpectTakenOver(ChildProcess& server) {
    EXPECT_EQ(server.ReadLine(), "taken over");
    EXPECT_EQ(server.Wait(), 0);
  }
  static void ShutDown(ChildProcess& server) {
    server.CloseInput();
    EXPECT_EQ(server.ReadLine(), "done");
    EXPECT_EQ(server.Wait(), 0);
  }

  TestStub Stub(Transport transport) const { return TestStub(*CreateChannel(target_, {.transport = transport})); }

  static ino_t Inode(const std::string& file) {
    struct stat found;
    return stat(file.c_str(), &found) == 0 ? found.st_ino : 0;
  }

  TempDir dir_;
  const std::string target_ = "unix:" + dir_.File("s");
  const std::string path_ = dir_.File("takeover");
};

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

TEST_F(TakeoverTest, ASuccessorThatDiesBeforeItServesLeavesAllAsItWas) {
  auto server = StartServer();
  TakeoverLoad grpc(target_, Transport::kGrpc);
  TakeoverLoad seqpacket(target_, Transport::kSeqpacket);
  for (int i = 0; i < 3; ++i) {
    ChildProcess successor({UDSRPC_TAKEOVER_SERVER, path_});
    EXPECT_EQ(successor.ReadLine(), "holding");
    successor.Kill(SIGKILL);
    EXPECT_EQ(successor.Wait(), -SIGKILL);
    ExpectEcho(Stub(Transport::kGrpc), "new connections, too");
    ExpectEcho(Stub(Transport::kSeqpacket), "new connections, too");
    EXPECT_TRUE(grpc.AwaitEach(2) && seqpacket.AwaitEach(2));
  }
  grpc.Stop();
  seqpacket.Stop();
  EXPECT_THAT(grpc.failures(), ::testing::IsEmpty());
  EXPECT_THAT(seqpacket.failures(), ::testing::IsEmpty());
  ShutDown(*server);
}

TEST_F(TakeoverTest, ASuccessorThatDiesWithTheSocketsInItsHandsLeavesAllAsItWas) {
  auto server = StartServer();
  TakeoverLoad seqpacket(target_, Transport::kSeqpacket);
  for (int i = 0; i < 3; ++i) {
    int error;
    auto socket = ConnectSocket(*SocketAddress::Of(*Endpoint::FromPath(path_), SocketKind::kStream),
                                SocketKind::kSeqpacket, kPatience, &error);
    ASSERT_TRUE(socket.ok()) << socket.status();
    TakeoverChannel channel(*std::move(socket), /*wake_event=*/-1);
    const absl::Time give_up = absl::Now() + kPatience;
    internal::TakeoverMessage message;
    message.mutable_request()->set_version(TakeoverChannel::kVersion);
    ASSERT_TRUE(channel.Send(message, give_up).ok());
    absl::StatusOr<internal::TakeoverMessage> answer;
    do {
      UniqueFd fd;
      answer = channel.Receive(give_up, &fd);
      ASSERT_TRUE(answer.ok()) << answer.status();
    } while (answer->has_socket());
    ASSERT_TRUE(answer->has_offered());
    for (uint32_t taken = 0; taken < answer->offered().sockets(); ++taken) {
      message.mutable_ready()->add_taken(taken);
    }
    ASSERT_TRUE(channel.Send(message, give_up).ok());
    UniqueFd fd;
    answer = channel.Receive(give_up, &fd);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_TRUE(answer->has_handed_over());
  }
  EXPECT_TRUE(seqpacket.AwaitEach(2));
  ExpectEcho(Stub(Transport::kGrpc), "new connections, too");
  ExpectEcho(Stub(Transport::kSeqpacket), "new connections, too");
  seqpacket.Stop();
  EXPECT_THAT(seqpacket.failures(), ::testing::IsEmpty());
  auto successor = StartServer();
  ExpectTakenOver(*server);
  ShutDown(*successor);
}

TEST_F(TakeoverTest, ASuccessorThatCannotServeEndsAndTheRunningServerGoesOn) {
  auto server = StartServer();
  const auto successor = StartProcess({target_, "unix:" + dir_.File("missing") + "/s"});
  EXPECT_THAT(successor->ReadLine().value_or(""), HasSubstr("NOT_FOUND"));
  EXPECT_EQ(successor->Wait(), 1);
  ExpectEcho(Stub(Transport::kGrpc), "as before");
  ExpectEcho(Stub(Transport::kSeqpacket), "as before");
  ShutDown(*server);
}

TEST_F(TakeoverTest, OfTwoAtOnceTheSecondIsToldWhoIsFirst) {
  auto server = StartServer();
  ChildProcess first({UDSRPC_TAKEOVER_SERVER, path_});
  EXPECT_EQ(first.ReadLine(), "holding");
  const auto second = StartProcess({target_});
  const std::string line = second->ReadLine().value_or("");
  EXPECT_THAT(line, HasSubstr("ABORTED"));
  EXPECT_THAT(line, HasSubstr(absl::StrCat("process ", first.pid(), " is taking over")));
  EXPECT_EQ(second->Wait(), 1);
  first.CloseInput();
  EXPECT_EQ(first.Wait(), 0);
  auto third = StartServer();
  ExpectTakenOver(*server);
  ShutDown(*third);
}

TEST_F(TakeoverTest, ManyAtOnceLeaveOneServer) {
  auto server = StartServer();
  std::vector<std::unique_ptr<ChildProcess>> successors;
  for (int i = 0; i < 8; ++i) successors.push_back(StartProcess({target_}));
  // Each was refused, or has taken over from the one before.
  std::vector<std::unique_ptr<ChildProcess>> servers;
  servers.push_back(std::move(server));
  for (auto& successor : successors) {
    const std::string line = successor->ReadLine().value_or("");
    if (line == "ready") {
      servers.push_back(std::move(successor));
    } else {
      EXPECT_TRUE(absl::StrContains(line, "ABORTED") || absl::StrContains(line, "UNAVAILABLE")) << line;
    }
  }
  EXPECT_GT(servers.size(), 1U);
  ExpectEcho(Stub(Transport::kGrpc), "one of them");
  ExpectEcho(Stub(Transport::kSeqpacket), "one of them");
  int running = 0;
  for (const auto& each : servers) {
    if (each->ReadLine(absl::Seconds(1)) == "taken over") continue;
    ++running;
    ShutDown(*each);
  }
  EXPECT_EQ(running, 1);
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
  auto taken = TakeoverSuccessor::Connect(*Endpoint::FromPath(path_));
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
  auto server = StartServer({target_}, /*drain_milliseconds=*/500);
  for (const Transport transport : {Transport::kGrpc, Transport::kSeqpacket}) {
    const TestStub stub = Stub(transport);
    ClientContext ends;
    ClientContext lasts;
    auto one = stub.Chat(ends);
    auto other = stub.Chat(lasts);
    EchoRequest request;
    EchoReply reply;
    EXPECT_TRUE(one.Write(request) && one.Read(reply) && other.Write(request) && other.Read(reply));
    auto successor = StartServer({target_}, 500);
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

TEST_F(TakeoverTest, GarbageHarmsNobody) {
  auto server = StartServer();
  internal::TakeoverMessage request;
  request.mutable_request()->set_version(TakeoverChannel::kVersion);
  internal::TakeoverMessage ready;
  ready.mutable_ready()->add_taken(7);
  internal::TakeoverMessage later;
  later.mutable_request()->set_version(2);
  const std::vector<std::vector<std::string>> sayings{{},
                                                      {"garbage"},
                                                      {std::string(60000, '\xff')},
                                                      {ready.SerializeAsString()},
                                                      {later.SerializeAsString()},
                                                      {request.SerializeAsString(), "garbage"},
                                                      {request.SerializeAsString(), request.SerializeAsString()},
                                                      {request.SerializeAsString(), ready.SerializeAsString()}};
  for (const std::vector<std::string>& saying : sayings) {
    int error;
    const auto socket = ConnectSocket(*SocketAddress::Of(*Endpoint::FromPath(path_), SocketKind::kStream),
                                      SocketKind::kSeqpacket, absl::Seconds(20), &error);
    ASSERT_TRUE(socket.ok()) << socket.status();
    for (const std::string& packet : saying) {
      EXPECT_NE(SendPacket(socket->get(), packet).outcome, IoOutcome::kFailed);
    }
    // Heard out: what is no good has an end.
    char bytes[20000];
    IoResult received;
    while (!saying.empty()) {
      received = ReceivePacket(socket->get(), bytes, sizeof(bytes));
      if (received.outcome == IoOutcome::kWouldBlock) {
        EXPECT_TRUE(WaitForSocket(socket->get(), false, -1, absl::Seconds(20)).readable);
      } else if (received.outcome != IoOutcome::kDone) {
        break;
      }
    }
    ExpectEcho(Stub(Transport::kSeqpacket), "as before");
  }
  auto successor = StartServer();
  ExpectTakenOver(*server);
  ShutDown(*successor);
}

class TakeoverByOthersTest : public TakeoverTest {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, to become other users";
    ASSERT_EQ(chmod(dir_.path().c_str(), 0777 | S_ISVTX), 0);
  }

  std::unique_ptr<ChildProcess> StartAs(uid_t uid, const std::string& target) {
    std::vector<std::string> command = program_.As(uid, uid, absl::StrCat(uid));
    command.insert(command.end(), {path_, "20000", target});
    return std::make_unique<ChildProcess>(command);
  }

  const ProgramForOthers program_{UDSRPC_TAKEOVER_SERVER};
};

TEST_F(TakeoverByOthersTest, AnotherUserMayNot) {
  auto server = StartServer();
  auto other = StartAs(4001, target_);
  EXPECT_THAT(other->ReadLine().value_or(""), HasSubstr("PERMISSION_DENIED"));
  EXPECT_EQ(other->Wait(), 1);
  // Not even where the file's mode would let it.
  ASSERT_EQ(chmod(path_.c_str(), 0666), 0);
  other = StartAs(4001, target_);
  EXPECT_THAT(other->ReadLine().value_or(""), HasSubstr("PERMISSION_DENIED"));
  EXPECT_EQ(other->Wait(), 1);
  ExpectEcho(Stub(Transport::kSeqpacket), "as before");
  ShutDown(*server);
}

TEST_F(TakeoverByOthersTest, NobodyTakesOverFromAnotherUser) {
  auto other = StartAs(4001, target_);
  EXPECT_EQ(other->ReadLine(), "ready");
  const auto root = StartProcess({"unix:" + dir_.File("another")});
  const std::string line = root->ReadLine().value_or("");
  EXPECT_THAT(line, HasSubstr("PERMISSION_DENIED"));
  EXPECT_THAT(line, HasSubstr("user 4001"));
  EXPECT_EQ(root->Wait(), 1);
  auto successor = StartAs(4001, target_);
  EXPECT_EQ(successor->ReadLine(), "ready");
  ExpectTakenOver(*other);
  ShutDown(*successor);
}

}  // namespace
}  // namespace udsrpc::testing

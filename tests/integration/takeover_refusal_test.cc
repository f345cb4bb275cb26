// Successors that fail, that come at once, that send garbage, or that may not take over.

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "common/src/socket/socket.h"
#include "gmock/gmock.h"
#include "server/src/listening_socket.h"
#include "server/src/takeover_successor.h"
#include "tests/integration/combinations.h"
#include "tests/integration/takeover_fixture.h"
#include "tests/integration/takeover_load.h"
#include "tests/support/child_process.h"
#include "tests/support/program_for_others.h"

namespace udsrpc::testing {
namespace {

using ::testing::HasSubstr;

using TakeoverRefusalTest = TakeoverTest;

TEST_F(TakeoverRefusalTest, ASuccessorThatDiesBeforeItServesLeavesAllAsItWas) {
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

TEST_F(TakeoverRefusalTest, ASuccessorThatDiesWithTheSocketsInItsHandsLeavesAllAsItWas) {
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

TEST_F(TakeoverRefusalTest, ASuccessorThatCannotServeEndsAndTheRunningServerGoesOn) {
  auto server = StartServer();
  const auto successor = StartProcess({target_, "unix:" + dir_.File("missing") + "/s"});
  EXPECT_THAT(successor->ReadLine().value_or(""), HasSubstr("NOT_FOUND"));
  EXPECT_EQ(successor->Wait(), 1);
  ExpectEcho(Stub(Transport::kGrpc), "as before");
  ExpectEcho(Stub(Transport::kSeqpacket), "as before");
  ShutDown(*server);
}

TEST_F(TakeoverRefusalTest, OfTwoAtOnceTheSecondIsToldWhoIsFirst) {
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

TEST_F(TakeoverRefusalTest, ManyAtOnceLeaveOneServer) {
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

TEST_F(TakeoverRefusalTest, GarbageHarmsNobody) {
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

// What a process leaves that was killed, before the kernel has closed its last socket: a file for takeovers at which
// nobody listens, and a socket that listens.
class TakeoverFromTheDyingTest : public TakeoverTest {
 protected:
  void SetUp() override {
    auto takeover = ListeningSocket::OpenControl(*Endpoint::FromPath(path_), EndpointOptions());
    ASSERT_TRUE(takeover.ok()) << takeover.status();
    takeover->GiveUp();
    auto claimed = ListeningSocket::Open(*Endpoint::Parse(target_), {SocketKind::kSeqpacket}, EndpointOptions());
    ASSERT_TRUE(claimed.ok()) << claimed.status();
    socket_.emplace(std::move(claimed->sockets.front()));
    socket_->GiveUp();
    builder_.AddEndpoint(target_).EnableTakeover(path_).RegisterService(&service_);
  }
  // That the successor has found out that somebody listens.
  bool AwaitClaim() const {
    UniqueFd connection;
    return WaitForSocket(socket_->fd(), false, -1, kPatience).readable &&
           AcceptConnection(socket_->fd(), connection).outcome == IoOutcome::kDone;
  }

  TestServiceImpl service_;
  ServerBuilder builder_;
  std::optional<ListeningSocket> socket_;
};

TEST_F(TakeoverFromTheDyingTest, TheSuccessorWaitsUntilItsLastSocketIsClosed) {
  std::thread death([this] {
    EXPECT_TRUE(AwaitClaim());
    EXPECT_TRUE(AwaitClaim());
    socket_.reset();
  });
  const auto server = builder_.Start();
  death.join();
  ASSERT_TRUE(server.ok()) << server.status();
  ExpectEcho(Stub(Transport::kSeqpacket), "served");
}

TEST_F(TakeoverFromTheDyingTest, OneThatLivesOnIsNotDisplaced) {
  const auto server = builder_.Start();
  EXPECT_EQ(server.status().code(), absl::StatusCode::kAlreadyExists) << server.status();
  EXPECT_THAT(server.status().message(), HasSubstr(absl::StrCat("process ", getpid(), " listens at ")));
  unlink(path_.c_str());
  unlink(dir_.File("s.seqpacket").c_str());
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

// Listening sockets that somebody else has bound.

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/src/socket/socket.h"
#include "gmock/gmock.h"
#include "tests/integration/combinations.h"
#include "tests/support/event.h"

namespace udsrpc::testing {
namespace {

using ::testing::HasSubstr;

SocketKind KindOf(Transport transport) {
  return transport == Transport::kGrpc ? SocketKind::kStream : SocketKind::kSeqpacket;
}

// A blocking socket, as others make them, at one of the endpoint's addresses.
UniqueFd Bind(const std::string& target, SocketKind kind, int type) {
  const SocketAddress address = *SocketAddress::Of(*Endpoint::Parse(target), kind);
  UniqueFd fd(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  EXPECT_EQ(bind(fd.get(), address.get(), address.size()), 0) << address.ToString();
  return fd;
}

UniqueFd Listen(const std::string& target, SocketKind kind) {
  UniqueFd fd = Bind(target, kind, SocketType(kind));
  EXPECT_EQ(listen(fd.get(), 8), 0);
  return fd;
}

class PassedSocketTest : public CombinationTest {
 protected:
  PassedSocketTest() : socket_(Listen(target_, KindOf(GetParam().transport))) {}

  void TearDown() override {
    server_.reset();
    // What the server did not make it does not remove.
    EXPECT_EQ(dir_.IsEmpty(), GetParam().abstract);
  }

  // A server of the test's socket, which the test has as well.
  absl::StatusOr<std::unique_ptr<Server>> Serve(const EndpointOptions& options = {}) {
    ServerBuilder builder;
    builder.AddListeningSocket(UniqueFd(dup(socket_.get())), options).RegisterService(&service_);
    return builder.Start();
  }

  const UniqueFd socket_;
};
INSTANTIATE_TEST_SUITE_P(All, PassedSocketTest, AllCombinations(), CombinationName);

TEST_P(PassedSocketTest, ServesByTheTransportOfItsTypeAtItsAddress) {
  const auto server = Serve();
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_THAT((*server)->endpoints(), ::testing::ElementsAre(target_));
  ExpectEcho(TestStub(MakeChannel()), "passed");
}

TEST_P(PassedSocketTest, GoesOnListeningWhenItsServerHasShutDown) {
  const TestStub stub(MakeChannel());
  for (int i = 0; i < 3; ++i) {
    const auto server = Serve();
    ASSERT_TRUE(server.ok()) << server.status();
    EXPECT_TRUE(AnsweredWithin(stub, kPatience));
  }
}

TEST_P(PassedSocketTest, OfAnEndpointAtItsAddressOnlyTheOtherSocketIsMade) {
  {
    ServerBuilder builder;
    builder.AddListeningSocket(UniqueFd(dup(socket_.get())))
        .AddEndpoint(target_, AllTransports())
        .RegisterService(&service_);
    const auto server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    EXPECT_THAT((*server)->endpoints(), ::testing::ElementsAre(target_));
    ExpectEcho(TestStub(MakeChannel()), "passed");
    ExpectEcho(TestStub(*CreateChannel(target_, {.transport = Transport::kSeqpacket})), "either");
    if (kWithGrpc) ExpectEcho(TestStub(*CreateChannel(target_)), "either");
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_.path()), {}), GetParam().abstract ? 0 : 1);
}

TEST_P(PassedSocketTest, AnEndpointThatIsNamedTwiceIsStillRefused) {
  ServerBuilder builder;
  builder.AddListeningSocket(UniqueFd(dup(socket_.get()))).RegisterService(&service_);
  builder.AddEndpoint(target_, AllTransports()).AddEndpoint("unix:" + dir_.File("twice"), AllTransports());
  builder.AddEndpoint("unix:" + dir_.File("twice"), AllTransports());
  EXPECT_EQ(builder.Start().status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_P(PassedSocketTest, AClientThatWaitsForTheServerIsAnswered) {
  const TestStub stub(MakeChannel());
  std::thread caller([&] { ExpectEcho(stub, "waited"); });  // it can connect, and does
  const auto server = Serve();
  EXPECT_TRUE(server.ok()) << server.status();
  caller.join();
}

TEST_P(PassedSocketTest, AdmitsWhomItsOptionsName) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to become another user";
  if (!GetParam().abstract) {
    ASSERT_EQ(chmod(dir_.path().c_str(), 0711), 0);
    ASSERT_EQ(chmod(SocketAddress::Of(*Endpoint::Parse(target_), KindOf(GetParam().transport))->path().c_str(), 0666),
              0);
  }
  const auto server = Serve({.allowed_uids = {4001}});
  ASSERT_TRUE(server.ok()) << server.status();
  // The kernel notes a thread's own user.
  const auto echo_as = [&](uid_t uid) {
    absl::Status status;
    std::thread caller([&] {
      ASSERT_EQ(syscall(SYS_setresuid, -1, uid, -1), 0);
      int error;
      const SocketAddress address = *SocketAddress::Of(*Endpoint::Parse(target_), KindOf(GetParam().transport));
      absl::StatusOr<UniqueFd> socket =
          ConnectSocket(address, KindOf(GetParam().transport), absl::ZeroDuration(), &error);
      ASSERT_TRUE(socket.ok()) << socket.status();
      const auto channel = CreateChannelFromFd(*std::move(socket), {.transport = GetParam().transport});
      ASSERT_TRUE(channel.ok()) << channel.status();
      status = TryEcho(TestStub(*channel));
    });
    caller.join();
    return status;
  };
  EXPECT_EQ(echo_as(4001), absl::OkStatus());
  EXPECT_EQ(echo_as(4002).code(), absl::StatusCode::kPermissionDenied);
}

class UnsuitableSocketTest : public ::testing::Test {
 protected:
  static absl::Status Start(UniqueFd fd) {
    TestServiceImpl service;
    ServerBuilder builder;
    builder.AddListeningSocket(std::move(fd)).RegisterService(&service);
    return builder.Start().status();
  }

  static void ExpectRefused(UniqueFd fd, const std::string& why) {
    const absl::Status status = Start(std::move(fd));
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(why));
  }

  TempDir dir_;
  const std::string target_ = "unix:" + dir_.File("s");
};

TEST_F(UnsuitableSocketTest, IsRefusedWithWhatToDo) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const UniqueFd other_end(ends[1]);
  ExpectRefused(UniqueFd(ends[0]), "no Unix socket");
  ExpectRefused(UniqueFd(), "no Unix socket");
  ExpectRefused(UniqueFd(socket(AF_INET, SOCK_STREAM, 0)), "no Unix socket");
  ExpectRefused(Bind("unix-abstract:udsrpc.test." + std::to_string(getpid()), SocketKind::kStream, SOCK_DGRAM),
                "ListenSequentialPacket=");
  ExpectRefused(Bind(target_, SocketKind::kSeqpacket, SOCK_SEQPACKET), "does not listen");
  UniqueFd misplaced = Bind(target_, SocketKind::kStream, SOCK_SEQPACKET);  // not at PATH.seqpacket
  ASSERT_EQ(listen(misplaced.get(), 8), 0);
  ExpectRefused(std::move(misplaced), "bind it to " + dir_.File("s") + ".seqpacket");
}

TEST_F(UnsuitableSocketTest, IsClosedWithItsBuilder) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  const UniqueFd other_end(ends[0]);
  {
    ServerBuilder builder;
    builder.AddListeningSocket(UniqueFd(ends[1]));
  }
  char byte;
  EXPECT_EQ(read(other_end.get(), &byte, 1), 0);
}

}  // namespace
}  // namespace udsrpc::testing

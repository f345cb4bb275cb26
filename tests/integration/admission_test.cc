// Who may call over seqpacket, by the kernel's word. Needs root, to become other users.

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/src/socket/socket_address.h"
#include "common/src/wire/frame.h"
#include "common/src/wire/limits.h"
#include "tests/integration/combinations.h"

namespace udsrpc::testing {
namespace {

constexpr uid_t kStranger = 65534;
constexpr uid_t kFriend = 65533;

class AdmissionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, to become another user";
  }

  std::unique_ptr<Server> Serve(const std::string& target, EndpointOptions options) {
    options.grpc = options.grpc && kWithGrpc;
    ServerBuilder builder;
    builder.AddEndpoint(target, options).RegisterService(&service_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    EXPECT_TRUE(server.ok()) << server.status();
    return *std::move(server);
  }

  enum Outcome { kServed, kRefused, kNotConnected, kNotAnswered };

  // What becomes of a connection that `uid` makes and of the call that it sends, in a child that does nothing else.
  Outcome ConnectAs(uid_t uid, const std::string& target) {
    const SocketAddress address = *SocketAddress::Of(*Endpoint::Parse(target), SocketKind::kSeqpacket);
    const wire::HelloFrame hello{.version = wire::kVersion, .min_version = wire::kVersion};
    const wire::CallFrame call{.call = 1, .half_close = true, .has_message = true, .path = "/udsrpc.testing.Test/Echo"};
    const std::string packet = wire::SerializeFrame(hello) + wire::SerializeFrame(call);
    const pid_t child = fork();
    if (child == 0) {
      if (setuid(uid) != 0) _exit(99);
      const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
      if (connect(fd, address.get(), address.size()) != 0) _exit(kNotConnected);
      send(fd, packet.data(), packet.size(), MSG_NOSIGNAL);
      const timeval patience{.tv_sec = 20, .tv_usec = 0};
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
      _exit(ReadOutcome(fd));
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    return static_cast<Outcome>(WEXITSTATUS(status));
  }

  // By the first STATUS that comes.
  static Outcome ReadOutcome(int fd) {
    char packet[wire::kMaxPacketBytes];
    for (ssize_t size; (size = recv(fd, packet, sizeof(packet), 0)) > 0;) {
      for (wire::PacketReader reader(absl::string_view(packet, static_cast<size_t>(size))); !reader.done();) {
        const absl::StatusOr<wire::RawFrame> frame = reader.Next();
        if (!frame.ok()) return kNotAnswered;
        if (frame->header.type != static_cast<uint8_t>(wire::FrameType::kStatus)) continue;
        const absl::StatusOr<wire::StatusFrame> status = wire::StatusFrame::Parse(*frame);
        if (!status.ok() || status->refused) return kNotAnswered;
        if (status->code == 0) return kServed;
        return status->code == static_cast<uint32_t>(absl::StatusCode::kPermissionDenied) ? kRefused : kNotAnswered;
      }
    }
    return kNotAnswered;
  }

  TempDir dir_;
  TestServiceImpl service_;
};

TEST_F(AdmissionTest, AnAbstractNameAdmitsTheServersUserRootAndThoseNamed) {
  const std::string target = absl::StrCat("unix-abstract:udsrpc.test.admission.", getpid());
  const auto server = Serve(target, {.allowed_uids = {kFriend}});
  EXPECT_EQ(ConnectAs(0, target), kServed);
  EXPECT_EQ(ConnectAs(kFriend, target), kServed);
  EXPECT_EQ(ConnectAs(kStranger, target), kRefused);
}

TEST_F(AdmissionTest, APathAdmitsWhomItsModeAdmitsAndOfThoseOnlyTheNamedOnes) {
  ASSERT_EQ(chmod(dir_.path().c_str(), 0755), 0);
  const std::string target = absl::StrCat("unix:", dir_.File("s"));
  {
    const auto server = Serve(target, {});
    EXPECT_EQ(ConnectAs(0, target), kServed);
    EXPECT_EQ(ConnectAs(kStranger, target), kNotConnected);
  }
  {
    const auto server = Serve(target, {.mode = 0666});
    EXPECT_EQ(ConnectAs(kStranger, target), kServed);
  }
  const auto server = Serve(target, {.mode = 0666, .allowed_uids = {kFriend}});
  EXPECT_EQ(ConnectAs(kFriend, target), kServed);
  EXPECT_EQ(ConnectAs(kStranger, target), kRefused);
}

}  // namespace
}  // namespace udsrpc::testing

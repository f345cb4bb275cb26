// Who may connect, by the kernel's word. Needs root, to become other users.

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/src/socket/socket.h"
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

  enum Outcome { kServed, kDropped, kNotConnected };

  // What becomes of a connection that `uid` makes and of what it then sends, in a child that does nothing else. A
  // server that serves it says something; one that drops it closes, or has before anything is sent.
  Outcome ConnectAs(uid_t uid, const std::string& target) {
    const SocketAddress address = *SocketAddress::Of(*Endpoint::Parse(target), SocketKind::kSeqpacket);
    const pid_t child = fork();
    if (child == 0) {
      if (setuid(uid) != 0) _exit(99);
      const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
      if (connect(fd, address.get(), address.size()) != 0) _exit(kNotConnected);
      char byte = 0;
      send(fd, &byte, 1, MSG_NOSIGNAL);
      const timeval patience{.tv_sec = 20, .tv_usec = 0};
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
      char answer[1024];
      _exit(recv(fd, answer, sizeof(answer), 0) > 0 ? kServed : kDropped);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    return static_cast<Outcome>(WEXITSTATUS(status));
  }

  TempDir dir_;
  TestServiceImpl service_;
};

TEST_F(AdmissionTest, AnAbstractNameAdmitsTheServersUserRootAndThoseNamed) {
  const std::string target = absl::StrCat("unix-abstract:udsrpc.test.admission.", getpid());
  const auto server = Serve(target, {.allowed_uids = {kFriend}});
  EXPECT_EQ(ConnectAs(0, target), kServed);
  EXPECT_EQ(ConnectAs(kFriend, target), kServed);
  EXPECT_EQ(ConnectAs(kStranger, target), kDropped);
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
  EXPECT_EQ(ConnectAs(kStranger, target), kDropped);
}

}  // namespace
}  // namespace udsrpc::testing

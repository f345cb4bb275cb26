// What a server says of endpoints that it cannot serve, and that nobody else suffers from it.

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/src/socket/socket_address.h"
#include "gmock/gmock.h"
#include "tests/integration/combinations.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc::testing {
namespace {

using ::testing::HasSubstr;

class EndpointErrorsTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Server>> Start(const std::string& target, EndpointOptions options = AllTransports()) {
    ServerBuilder builder;
    builder.AddEndpoint(target, options).RegisterService(&service_);
    return builder.Start();
  }

  void ExpectError(const std::string& target, absl::StatusCode code, const std::string& words) {
    const absl::Status status = Start(target).status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(words));
  }

  TempDir dir_;
  TestServiceImpl service_;
};

TEST_F(EndpointErrorsTest, BadTargets) {
  for (const std::string target : {"", "/x", "http://x", "unix:", "unix:/a%00b", "unix-abstract:"}) {
    ExpectError(target, absl::StatusCode::kInvalidArgument, target);
    EXPECT_EQ(CreateChannel(target).status().code(), absl::StatusCode::kInvalidArgument) << target;
  }
  ExpectError("unix:/" + std::string(120, 'x'), absl::StatusCode::kInvalidArgument, "shorter");
  ExpectError("unix:/tmp/" + std::string(95, 'x'), absl::StatusCode::kInvalidArgument, "its seqpacket socket would be");
}

TEST_F(EndpointErrorsTest, NoEndpointNoTransportNoThreads) {
  EXPECT_EQ(ServerBuilder().Start().status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Start("unix:" + dir_.File("s"), {.grpc = false, .seqpacket = false}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EndpointOptions decimal = AllTransports();
  decimal.mode = 660;
  EXPECT_EQ(Start("unix:" + dir_.File("s"), decimal).status().code(), absl::StatusCode::kInvalidArgument);
  ServerBuilder builder(ServerOptions{.max_handler_threads = 0});
  builder.AddEndpoint("unix:" + dir_.File("s"), AllTransports());
  EXPECT_EQ(builder.Start().status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(dir_.IsEmpty());
}

TEST_F(EndpointErrorsTest, ADirectoryThatIsMissing) {
  ExpectError("unix:" + dir_.File("none/s"), absl::StatusCode::kNotFound, "create the directory first");
}

TEST_F(EndpointErrorsTest, ADirectoryThatMayNotBeWritten) {
  if (geteuid() == 0) {
    // Root may write anywhere but in a file system that refuses everybody.
    ExpectError("unix:/proc/udsrpc-test", absl::StatusCode::kNotFound, "/proc/udsrpc-test");
    return;
  }
  std::filesystem::permissions(dir_.path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  ExpectError("unix:" + dir_.File("s"), absl::StatusCode::kPermissionDenied, dir_.File("s"));
  std::filesystem::permissions(dir_.path(), std::filesystem::perms::owner_all);
}

TEST_F(EndpointErrorsTest, APathThatIsNoSocketIsLeftAlone) {
  std::vector<std::string> suffixes{".seqpacket"};
  if (kWithGrpc) suffixes.push_back("");
  for (const std::string& suffix : suffixes) {
    std::ofstream(dir_.File("file" + suffix)) << "precious";
    std::filesystem::create_directory(dir_.File("directory" + suffix));
    std::filesystem::create_symlink("nowhere", dir_.File("link" + suffix));
    for (const std::string name : {"file", "directory", "link"}) {
      ExpectError("unix:" + dir_.File(name), absl::StatusCode::kAlreadyExists, name + suffix + " exists");
      EXPECT_TRUE(std::filesystem::exists(std::filesystem::symlink_status(dir_.File(name + suffix)))) << name;
    }
    std::string content;
    std::ifstream(dir_.File("file" + suffix)) >> content;
    EXPECT_EQ(content, "precious");
    for (const std::string name : {"file", "directory", "link"}) std::filesystem::remove(dir_.File(name + suffix));
    EXPECT_TRUE(dir_.IsEmpty()) << "the other socket of an endpoint is left";
  }
}

TEST_F(EndpointErrorsTest, ALiveServerIsNotDisplaced) {
  for (const std::string& target :
       {"unix:" + dir_.File("s"), absl::StrCat("unix-abstract:udsrpc.test.live.", getpid())}) {
    const auto first = Start(target);
    ASSERT_TRUE(first.ok()) << first.status();
    ExpectError(target, absl::StatusCode::kAlreadyExists, absl::StrCat("process ", getpid(), " listens"));
    const TestStub stub(*CreateChannel(target, {.transport = Transport::kSeqpacket}));
    ExpectEcho(stub, "still well");
  }
}

TEST_F(EndpointErrorsTest, AStaleSocketIsReplacedAndOnlyOurOwnFileRemoved) {
  const std::string path = dir_.File("s");
  for (const SocketKind kind : {SocketKind::kStream, SocketKind::kSeqpacket}) {
    const SocketAddress address = *SocketAddress::Of(*Endpoint::FromPath(path), kind);
    const UniqueFd stale(socket(AF_UNIX, SocketType(kind) | SOCK_CLOEXEC, 0));
    ASSERT_EQ(bind(stale.get(), address.get(), address.size()), 0);
  }
  {
    const auto server = Start("unix:" + path);
    ASSERT_TRUE(server.ok()) << server.status();
    ExpectEcho(TestStub(*CreateChannel("unix:" + path, {.transport = Transport::kSeqpacket})), "hello");
    // Somebody moves ours away and puts another file there.
    std::filesystem::remove(path + ".seqpacket");
    std::ofstream(path + ".seqpacket") << "theirs";
  }
  EXPECT_TRUE(std::filesystem::exists(path + ".seqpacket"));
  EXPECT_EQ(std::filesystem::exists(path), !kWithGrpc);
}

TEST_F(EndpointErrorsTest, OfServersThatStartAtOnceOneWins) {
  const std::string target = "unix:" + dir_.File("s");
  std::vector<absl::StatusOr<std::unique_ptr<Server>>> servers(8);
  std::vector<std::thread> threads;
  for (auto& server : servers) threads.emplace_back([&] { server = Start(target); });
  for (std::thread& thread : threads) thread.join();
  int winners = 0;
  for (const auto& server : servers) {
    winners += server.ok();
    if (!server.ok()) {
      EXPECT_EQ(server.status().code(), absl::StatusCode::kAlreadyExists) << server.status();
    }
  }
  EXPECT_EQ(winners, 1);
}

TEST_F(EndpointErrorsTest, ThePathHasItsModeWhateverTheUmask) {
  for (const mode_t mode : {0600, 0660, 0666}) {
    EndpointOptions options = AllTransports();
    options.mode = mode;
    const mode_t before = umask(0027);
    const auto server = Start("unix:" + dir_.File("s"), options);
    umask(before);
    ASSERT_TRUE(server.ok()) << server.status();
    struct stat file;
    ASSERT_EQ(stat(dir_.File("s.seqpacket").c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 07777, mode);
  }
}

TEST_F(EndpointErrorsTest, ASocketOfTheWrongTypeIsUnavailable) {
  // A stream socket where the client looks for a seqpacket one.
  const SocketAddress address = *SocketAddress::Of(*Endpoint::FromPath(dir_.File("s.seqpacket")), SocketKind::kStream);
  const UniqueFd stranger(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(stranger.get(), address.get(), address.size()), 0);
  ASSERT_EQ(listen(stranger.get(), 1), 0);
  ClientContext context;
  EchoReply reply;
  const absl::Status status = TestStub(*CreateChannel("unix:" + dir_.File("s"), {.transport = Transport::kSeqpacket}))
                                  .Echo(context, EchoRequest(), reply);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("of another type"));
  // Nor does a server take it for a stale one of its own.
  ExpectError("unix:" + dir_.File("s"), absl::StatusCode::kAlreadyExists, "listens at");
}

}  // namespace
}  // namespace udsrpc::testing

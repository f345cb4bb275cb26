// What a server does to the paths and names that it claims, and how long paths are reached.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/src/socket/socket_address.h"
#include "gmock/gmock.h"
#include "tests/integration/combinations.h"
#include "tests/support/event.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc::testing {
namespace {

using ::testing::HasSubstr;

class ClaimingTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Server>> Start(const std::string& target, EndpointOptions options = AllTransports()) {
    ServerBuilder builder;
    builder.AddEndpoint(target, options).RegisterService(&service_);
    return builder.Start();
  }

  static std::vector<Transport> Transports() {
    std::vector<Transport> transports{Transport::kSeqpacket};
    if (kWithGrpc) transports.insert(transports.end(), {Transport::kGrpc, Transport::kAuto});
    return transports;
  }

  void ExpectEchoOverAll(const std::string& target) {
    for (const Transport transport : Transports()) {
      const absl::StatusOr<std::shared_ptr<Channel>> channel = CreateChannel(target, {.transport = transport});
      ASSERT_TRUE(channel.ok()) << channel.status();
      ExpectEcho(TestStub(*channel), "hello");
    }
  }

  // The files that an endpoint at the path is to have.
  static std::vector<std::string> FilesOf(const std::string& path) {
    std::vector<std::string> files{path + ".seqpacket"};
    if (kWithGrpc) files.push_back(path);
    return files;
  }

  // A directory whose path is `bytes` long, within the test's own.
  std::string DeepDirectory(size_t bytes) {
    std::string path = dir_.path();
    while (path.size() + 2 < bytes) {
      path += "/" + std::string(std::min<size_t>(bytes - path.size() - 1, 200), 'd');
    }
    std::filesystem::create_directories(path);
    return path;
  }

  TempDir dir_;
  TestServiceImpl service_;
};

TEST_F(ClaimingTest, PathsLongerThanASocketAddressWorkOnBothSides) {
  for (const size_t bytes : {90, 120, 1000, 3500}) {
    const std::string path = DeepDirectory(bytes) + "/s";
    {
      const auto server = Start("unix:" + path);
      ASSERT_TRUE(server.ok()) << server.status();
      ExpectEchoOverAll("unix:" + path);
      EXPECT_EQ(Start("unix:" + path).status().code(), absl::StatusCode::kAlreadyExists);
    }
    EXPECT_TRUE(std::filesystem::is_empty(DeepDirectory(bytes))) << bytes;
  }
}

TEST_F(ClaimingTest, ALongPathIsReachedOnceItsServerIsThere) {
  const std::string path = DeepDirectory(300) + "/s";
  for (const Transport transport : Transports()) {
    const TestStub stub(*CreateChannel("unix:" + path, {.transport = transport}));
    EXPECT_EQ(TryEcho(stub).code(), absl::StatusCode::kUnavailable);
    const auto server = Start("unix:" + path);
    ASSERT_TRUE(server.ok()) << server.status();
    EXPECT_TRUE(AnsweredWithin(stub, kPatience));
  }
}

TEST_F(ClaimingTest, ALongPathWithoutItsDirectory) {
  const std::string target = "unix:" + dir_.File(std::string(150, 'd')) + "/s";
  EXPECT_EQ(Start(target).status().code(), absl::StatusCode::kNotFound);
  for (const Transport transport : Transports()) {
    const TestStub stub(*CreateChannel(target, {.transport = transport}));
    EXPECT_EQ(TryEcho(stub).code(), absl::StatusCode::kUnavailable);
    // And one that is made again, as systemd does when a service starts again.
    for (int i = 0; i < 3; ++i) {
      std::filesystem::create_directory(dir_.File(std::string(150, 'd')));
      const auto server = Start(target);
      ASSERT_TRUE(server.ok()) << server.status();
      EXPECT_TRUE(AnsweredWithin(stub, kPatience));
      std::filesystem::remove_all(dir_.File(std::string(150, 'd')));
    }
  }
}

TEST_F(ClaimingTest, ACallThatWaitsForReadyFindsALongPathsDirectoryOnceItIsThere) {
  const std::string directory = dir_.File(std::string(150, 'd'));
  for (const Transport transport : Transports()) {
    const TestStub stub(*CreateChannel("unix:" + directory + "/s", {.transport = transport}));
    for (int i = 0; i < 3; ++i) {
      // Over gRPC a call that is made before the channel has noticed would wait for what was there (see the README).
      while (TryEcho(stub).ok()) std::this_thread::yield();
      Event ended;
      const EchoRequest request;
      EchoReply replies[2];
      absl::Status statuses[2];
      ClientContext contexts[2];
      for (ClientContext& context : contexts) {
        context.set_wait_for_ready(true);
        context.set_timeout(kPatience);
      }
      stub.Async().Echo(contexts[0], request, replies[0], [&](absl::Status status) {
        statuses[0] = status;
        ended.Happen();
      });
      std::thread caller([&] {
        statuses[1] = stub.Echo(contexts[1], request, replies[1]);
        ended.Happen();
      });
      std::filesystem::create_directory(directory);
      const auto server = Start("unix:" + directory + "/s");
      EXPECT_TRUE(server.ok()) << server.status();
      EXPECT_TRUE(ended.Await(2));
      caller.join();
      EXPECT_EQ(statuses[0], absl::OkStatus());
      EXPECT_EQ(statuses[1], absl::OkStatus());
      std::filesystem::remove_all(directory);
    }
  }
}

TEST_F(ClaimingTest, WhatAServerLeavesThatIsKilledBeforeItListensIsReplaced) {
  for (const mode_t mode : {0000, 0040, 0600}) {
    for (const SocketKind kind : {SocketKind::kStream, SocketKind::kSeqpacket}) {
      const SocketAddress address = *SocketAddress::Of(*Endpoint::FromPath(dir_.File("s")), kind);
      const UniqueFd stale(socket(AF_UNIX, SocketType(kind) | SOCK_CLOEXEC, 0));
      ASSERT_EQ(bind(stale.get(), address.get(), address.size()), 0);
      ASSERT_EQ(chmod(address.path().c_str(), mode), 0);
    }
    const auto server = Start("unix:" + dir_.File("s"));
    ASSERT_TRUE(server.ok()) << server.status();
    if (!kWithGrpc) std::filesystem::remove(dir_.File("s"));
  }
  EXPECT_TRUE(dir_.IsEmpty());
}

TEST_F(ClaimingTest, AServerThatMayNotBeConnectedToIsLiveNonetheless) {
  EndpointOptions options = AllTransports();
  options.mode = 0040;
  const auto server = Start("unix:" + dir_.File("s"), options);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(Start("unix:" + dir_.File("s")).status().code(), absl::StatusCode::kAlreadyExists);
  struct stat file;
  ASSERT_EQ(stat(dir_.File("s.seqpacket").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 07777, 0040U);
}

TEST_F(ClaimingTest, RefusesADirectoryThatEverybodyMayWriteUnlessItIsSticky) {
  ASSERT_EQ(chmod(dir_.path().c_str(), 0777), 0);
  const absl::Status status = Start("unix:" + dir_.File("s")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(dir_.path()));
  EXPECT_THAT(std::string(status.message()), HasSubstr("chmod +t"));
  EXPECT_TRUE(dir_.IsEmpty());
  ASSERT_EQ(chmod(dir_.path().c_str(), 01777), 0);
  EXPECT_TRUE(Start("unix:" + dir_.File("s")).ok());
}

TEST_F(ClaimingTest, FilesHaveNoAccessBeforeTheyHaveTheirOwn) {
  const std::string path = dir_.File("s");
  std::atomic<bool> done{false};
  int seen = 0;
  std::thread watcher([&] {
    while (!done) {
      for (const std::string& file : FilesOf(path)) {
        struct stat now;
        if (stat(file.c_str(), &now) != 0) continue;
        ++seen;
        const mode_t mode = now.st_mode & 07777;
        EXPECT_TRUE(mode == 0 || mode == 0640) << std::oct << mode;
      }
    }
  });
  EndpointOptions options = AllTransports();
  options.mode = 0640;
  for (int i = 0; i < 30; ++i) EXPECT_TRUE(Start("unix:" + path, options).ok());
  done = true;
  watcher.join();
  EXPECT_GT(seen, 0);
}

TEST_F(ClaimingTest, FilesHaveTheOwnerAndGroupThatWereAskedFor) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to give files away";
  EndpointOptions options = AllTransports();
  options.mode = 0660;
  options.owner = 65534;
  options.group = 65533;
  const auto server = Start("unix:" + dir_.File("s"), options);
  ASSERT_TRUE(server.ok()) << server.status();
  for (const std::string& file : FilesOf(dir_.File("s"))) {
    struct stat now;
    ASSERT_EQ(stat(file.c_str(), &now), 0);
    EXPECT_EQ(now.st_uid, 65534U);
    EXPECT_EQ(now.st_gid, 65533U);
    EXPECT_EQ(now.st_mode & 07777, 0660U);
  }
  ExpectEchoOverAll("unix:" + dir_.File("s"));
}

TEST_F(ClaimingTest, BothSocketsAreClaimedOrNeither) {
  if (!kWithGrpc) GTEST_SKIP() << "needs both transports";
  const std::string path = dir_.File("s");
  for (const bool grpc_taken : {true, false}) {
    const auto holder = Start("unix:" + path, {.grpc = grpc_taken, .seqpacket = !grpc_taken});
    ASSERT_TRUE(holder.ok()) << holder.status();
    // A stale socket in the other place is not to be touched either.
    const SocketKind kind = grpc_taken ? SocketKind::kSeqpacket : SocketKind::kStream;
    const SocketAddress address = *SocketAddress::Of(*Endpoint::FromPath(path), kind);
    const std::string& other = address.path();
    {
      const UniqueFd stale(socket(AF_UNIX, SocketType(kind) | SOCK_CLOEXEC, 0));
      ASSERT_EQ(bind(stale.get(), address.get(), address.size()), 0);
    }
    struct stat before;
    ASSERT_EQ(stat(other.c_str(), &before), 0);
    EXPECT_EQ(Start("unix:" + path).status().code(), absl::StatusCode::kAlreadyExists);
    struct stat after;
    ASSERT_EQ(stat(other.c_str(), &after), 0);
    EXPECT_EQ(after.st_ino, before.st_ino);
    std::filesystem::remove(other);
  }
  EXPECT_TRUE(dir_.IsEmpty());
}

TEST_F(ClaimingTest, ARelativePathIsGivenUpWhereItWasClaimed) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(dir_.path());
  auto server = Start("unix:relative");
  if (server.ok()) ExpectEchoOverAll("unix:relative");
  std::filesystem::current_path(before);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_FALSE(dir_.IsEmpty());
  server->reset();
  EXPECT_TRUE(dir_.IsEmpty());
}

TEST_F(ClaimingTest, AFileIsLeftWhileAnotherProcessHoldsTheDirectoryLocked) {
  auto server = Start("unix:" + dir_.File("s"));
  ASSERT_TRUE(server.ok()) << server.status();
  const UniqueFd directory(open(dir_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(flock(directory.get(), LOCK_EX), 0);
  EXPECT_EQ(Start("unix:" + dir_.File("t")).status().code(), absl::StatusCode::kUnavailable);
  server->reset();
  EXPECT_FALSE(dir_.IsEmpty()) << "it might be another server's by now";
  ASSERT_EQ(flock(directory.get(), LOCK_UN), 0);
  EXPECT_TRUE(Start("unix:" + dir_.File("s")).ok()) << "what is left is stale";
  EXPECT_TRUE(dir_.IsEmpty());
}

TEST_F(ClaimingTest, TheKernelChoosesAName) {
  std::vector<std::unique_ptr<Server>> servers;
  std::vector<std::string> targets;
  for (int i = 0; i < 3; ++i) {
    ServerBuilder builder;
    builder.AddEndpoint("unix:" + dir_.File(absl::StrCat(i)), AllTransports());
    builder.AddAutobindEndpoint(AllTransports()).AddAutobindEndpoint(AllTransports()).RegisterService(&service_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    ASSERT_EQ((*server)->endpoints().size(), 3U);
    EXPECT_EQ((*server)->endpoints()[0], "unix:" + dir_.File(absl::StrCat(i)));
    for (const std::string& target : (*server)->endpoints()) targets.push_back(target);
    servers.push_back(*std::move(server));
  }
  for (const std::string& target : targets) ExpectEchoOverAll(target);
  std::sort(targets.begin(), targets.end());
  EXPECT_EQ(std::unique(targets.begin(), targets.end()), targets.end());
}

TEST_F(ClaimingTest, NamesAreBinary) {
  const std::string name = absl::StrCat("udsrpc.test.", getpid(), ".a%00b%FF%20c%0A");
  const auto server = Start("unix-abstract:" + name);
  ASSERT_TRUE(server.ok()) << server.status();
  ExpectEchoOverAll("unix-abstract:" + name);
  EXPECT_EQ(
      TryEcho(TestStub(*CreateChannel("unix-abstract:" + name + "%00", {.transport = Transport::kSeqpacket}))).code(),
      absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace udsrpc::testing

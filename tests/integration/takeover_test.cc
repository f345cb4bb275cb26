// One server takes over from another, process by process.

#include <signal.h>
#include <sys/stat.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "tests/integration/combinations.h"
#include "tests/integration/takeover_load.h"
#include "tests/support/child_process.h"

namespace udsrpc::testing {
namespace {

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
    auto successor = StartServer();
    ExpectTakenOver(*server);
    server = std::move(successor);
  }
  const int least[] = {grpc.least_calls(), seqpacket.least_calls()};
  grpc.Stop();
  seqpacket.Stop();
  EXPECT_THAT(grpc.failures(), ::testing::IsEmpty());
  EXPECT_THAT(seqpacket.failures(), ::testing::IsEmpty());
  // Each kind of call was made in each server's time, and more than once.
  EXPECT_GT(least[0], kTakeovers);
  EXPECT_GT(least[1], kTakeovers);
  EXPECT_EQ(Inode(dir_.File("s")), inodes[0]);
  EXPECT_EQ(Inode(dir_.File("s.seqpacket")), inodes[1]);
  EXPECT_EQ(Inode(path_), inodes[2]);
  std::printf("%d takeovers, %d calls over gRPC and %d over seqpacket\n", kTakeovers, grpc.calls(), seqpacket.calls());
  ShutDown(*server);
}

}  // namespace
}  // namespace udsrpc::testing

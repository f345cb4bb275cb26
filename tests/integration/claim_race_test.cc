// Many servers that claim one path at once, and one that is killed and started again and again.

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/src/socket/socket.h"
#include "tests/integration/combinations.h"
#include "tests/support/child_process.h"
#include "tests/support/program_for_others.h"

namespace udsrpc::testing {
namespace {

constexpr int kServers = 50;
#ifdef UDSRPC_SANITIZED
constexpr int kRounds = 5;
constexpr int kRestarts = 10;
#else
constexpr int kRounds = 100;
constexpr int kRestarts = 100;
#endif

class ClaimRaceTest : public ::testing::Test {
 protected:
  // Who listens on the endpoint's socket of `kind`, or would be the one to answer.
  static pid_t ListenerOf(const std::string& target, SocketKind kind) {
    int error;
    const absl::StatusOr<UniqueFd> socket =
        ConnectSocket(*SocketAddress::Of(*Endpoint::Parse(target), kind), kind, absl::Seconds(20), &error);
    EXPECT_TRUE(socket.ok()) << socket.status();
    return socket.ok() ? GetPeerCredentials(socket->get())->pid : 0;
  }

  void Race(const std::string& transports, const std::vector<SocketKind>& kinds, int rounds) {
    const std::string target = "unix:" + dir_.File("s");
    ChildProcess race({UDSRPC_CLAIM_RACE, target, absl::StrCat(kServers), transports});
    for (int round = 0; round < rounds; ++round) {
      ASSERT_TRUE(race.WriteLine("go"));
      const std::optional<std::string> line = race.ReadLine();
      ASSERT_TRUE(line.has_value());
      const std::vector<std::string> outcome = absl::StrSplit(*line, absl::MaxSplits(' ', 3));
      ASSERT_EQ(outcome.size(), 4U) << *line;
      EXPECT_EQ(outcome[1], "1") << *line;
      EXPECT_EQ(outcome[2], absl::StrCat(kServers - 1)) << *line;
      for (const SocketKind kind : kinds) EXPECT_EQ(absl::StrCat(ListenerOf(target, kind)), outcome[0]);
    }
    race.CloseInput();
    EXPECT_EQ(race.Wait(), 0);
    EXPECT_TRUE(dir_.IsEmpty());
  }

  TempDir dir_;
};

TEST_F(ClaimRaceTest, OfFiftyServersOneWinsAndItAloneIsReached) {
  Race("seqpacket", {SocketKind::kSeqpacket}, kRounds);
}

TEST_F(ClaimRaceTest, OfFiftyServersOfBothTransportsOneWinsBothSockets) {
  Race("both", {SocketKind::kStream, SocketKind::kSeqpacket}, kRounds / 5);
}

TEST_F(ClaimRaceTest, AServerThatIsKilledIsReplacedAgainAndAgain) {
  const std::string target = "unix:" + dir_.File("s");
  const TestStub grpc(*CreateChannel(target));
  const TestStub seqpacket(*CreateChannel(target, {.transport = Transport::kSeqpacket}));
  for (int i = 0; i < kRestarts; ++i) {
    ChildProcess server({UDSRPC_TEST_SERVER, target});
    ASSERT_EQ(server.ReadLine(), "ready") << i;
    ExpectEcho(seqpacket, "hello");
    EXPECT_TRUE(AnsweredWithin(grpc, absl::Seconds(20)));
    server.Kill(SIGKILL);
    ASSERT_EQ(server.Wait(), -SIGKILL);
  }
  ChildProcess last({UDSRPC_TEST_SERVER, target});
  EXPECT_EQ(last.ReadLine(), "ready");
  last.CloseInput();
  EXPECT_EQ(last.Wait(), 0);
  EXPECT_TRUE(dir_.IsEmpty());
}

// Root may connect whatever the mode, so this is another user's server, in a directory of its own.
TEST_F(ClaimRaceTest, AServerWithoutPrivilegesReplacesWhatItLeftWithoutAMode) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to become another user";
  constexpr uid_t kUser = 4001;
  ASSERT_EQ(chmod(dir_.path().c_str(), 0755), 0);
  ASSERT_EQ(chown(dir_.path().c_str(), kUser, kUser), 0);
  for (const SocketKind kind : {SocketKind::kStream, SocketKind::kSeqpacket}) {
    const SocketAddress address = *SocketAddress::Of(*Endpoint::FromPath(dir_.File("s")), kind);
    const UniqueFd stale = *OpenSocket(kind);
    ASSERT_EQ(bind(stale.get(), address.get(), address.size()), 0);
    ASSERT_EQ(chown(address.path().c_str(), kUser, kUser), 0);
    ASSERT_EQ(chmod(address.path().c_str(), 0), 0);
  }
  const ProgramForOthers program(UDSRPC_TEST_SERVER);
  std::vector<std::string> command = program.As(kUser, kUser, absl::StrCat(kUser));
  command.push_back("unix:" + dir_.File("s"));
  ChildProcess server(command);
  EXPECT_EQ(server.ReadLine(), "ready");
  server.CloseInput();
  EXPECT_EQ(server.Wait(), 0);
  EXPECT_TRUE(dir_.IsEmpty());
}

}  // namespace
}  // namespace udsrpc::testing

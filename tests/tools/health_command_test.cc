// What the command says of a server's health.

#include <string>

#include "tests/tools/served.h"

namespace udsrpc::testing {
namespace {

class HealthCommandTest : public ServedTest {};

INSTANTIATE_TEST_SUITE_P(All, HealthCommandTest, ::testing::Values(Served::kSeqpacket, Served::kGrpc, Served::kStock),
                         ServedName);

TEST_P(HealthCommandTest, SaysWhetherItServes) {
  CliResult result = Run({"health"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "SERVING\n");
  EXPECT_EQ(result.err, "");
  result = Run({"health", "udsrpc.testing.Test", "--wait", "--json"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "{\"service\":\"udsrpc.testing.Test\",\"status\":\"SERVING\"}\n");
  ExpectError(Run({"health", "no.Such"}), kUsage, "the server knows no health of no.Such");
}

class OwnHealthCommandTest : public ServedTest {};

INSTANTIATE_TEST_SUITE_P(All, OwnHealthCommandTest, ::testing::Values(Served::kSeqpacket, Served::kGrpc), ServedName);

TEST_P(OwnHealthCommandTest, NotServingIsAnExitCode) {
  health_.SetServing("udsrpc.testing.Test", false);
  CliResult result = Run({"health", "udsrpc.testing.Test"});
  EXPECT_EQ(result.code, kFailed);
  EXPECT_EQ(result.out, "NOT_SERVING\n");
  EXPECT_EQ(Run({"health"}).code, 0);
  health_.SetMaintenance(true);
  EXPECT_EQ(Run({"health"}).code, kFailed);
  ExpectError(Run({"health", "--wait", "--timeout=1s"}), kFailed, "the server was NOT_SERVING for all of 1s");
}

TEST_P(OwnHealthCommandTest, WaitsUntilItServes) {
  health_.SetServing("udsrpc.testing.Test", false);
  ChildProcess wait(CliArguments(Words({"health", "udsrpc.testing.Test", "--wait", "--timeout=30s"})));
  EXPECT_EQ(wait.ReadLine(absl::Milliseconds(200)), std::nullopt);
  health_.SetServing("udsrpc.testing.Test", true);
  EXPECT_EQ(wait.ReadLine(), "SERVING");
  EXPECT_EQ(wait.Wait(), 0);
}

TEST_P(OwnHealthCommandTest, WaitsForAServerThatStartsLaterAndThroughItsRestart) {
  server_.reset();
  health_.SetServing("", false);
  ChildProcess wait(CliArguments(Words({"health", "--wait", "--timeout=30s"})));
  EXPECT_EQ(wait.ReadLine(absl::Milliseconds(200)), std::nullopt);
  StartServer();
  EXPECT_EQ(wait.ReadLine(absl::Milliseconds(200)), std::nullopt);
  server_->Shutdown();  // which ends its watch
  server_.reset();
  health_.SetServing("", true);
  StartServer();
  EXPECT_EQ(wait.ReadLine(), "SERVING");
  EXPECT_EQ(wait.Wait(), 0);
}

}  // namespace
}  // namespace udsrpc::testing

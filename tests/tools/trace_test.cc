// What udsrpc trace shows of a server's calls.

#include <unistd.h>

#include <csignal>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "tests/support/child_process.h"
#include "tests/tools/cli.h"
#include "tests/tools/observed_server.h"

namespace udsrpc::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class TraceCommandTest : public ObservedServerTest {
 protected:
  // Runs it and makes `call` until the first line is there.
  template <typename Call>
  std::string FirstLine(ChildProcess& trace, const Call& call) {
    const absl::Time give_up = absl::Now() + kPatience;
    while (absl::Now() < give_up) {
      call();
      if (std::optional<std::string> line = trace.ReadLine(absl::Milliseconds(50))) return *line;
    }
    ADD_FAILURE() << "it says nothing";
    return "";
  }
};

TEST_F(TraceCommandTest, PrintsALineForEachCallUntilItIsInterrupted) {
  for (const char* transport : {"grpc", "seqpacket"}) {
    ChildProcess trace(CliArguments({"trace", target_, absl::StrCat("--transport=", transport)}));
    const std::string line = FirstLine(trace, [&] { Fail(5, "bad\x1b[31m\nthing"); });
    EXPECT_THAT(line, ContainsRegex("[0-9:.]+ +NOT_FOUND +[0-9.]+[mu]?s +seqpacket"));
    EXPECT_THAT(line, HasSubstr(absl::StrCat("pid ", getpid(), " uid ", geteuid(), "  /udsrpc.testing.Test/Fail")));
    EXPECT_THAT(line, HasSubstr(R"(bad\x1b[31m\nthing)"));
    trace.Kill(SIGINT);
    EXPECT_EQ(trace.Wait(), 0);
  }
}

TEST_F(TraceCommandTest, ShowsWhatIsAskedForAndAsJson) {
  ChildProcess trace(CliArguments({"trace", target_, "--json", "--errors", "--method=udsrpc.testing.Test/F",
                                   "--code=not_found,CANCELLED", "--count=1"}));
  const std::string line = FirstLine(trace, [&] {
    Echo();
    Fail(3, "not this");
    Fail(5, "this");
  });
  EXPECT_THAT(line, AllOf(HasSubstr("\"method\":\"/udsrpc.testing.Test/Fail\""), HasSubstr("\"code\":5"),
                          HasSubstr("\"message\":\"this\""), HasSubstr("\"requests\":[]")));
  EXPECT_EQ(trace.Wait(), 0);
  EXPECT_EQ(RunCli({"trace", target_, "--code=NONE"}).code, 2);
  EXPECT_EQ(RunCli({"trace", target_, "--count=-1"}).code, 2);
}

TEST_F(TraceCommandTest, LostOutputEndsIt) {
  ChildProcess trace({"sh", "-c", "exec \"$@\" 2>&1 >/dev/full", "sh", UDSRPC_CLI, "trace", target_});
  EXPECT_THAT(FirstLine(trace, [&] { Echo(); }), HasSubstr(" dropped"));
  EXPECT_THAT(trace.ReadAll(), HasSubstr("cannot write the output: No space left on device"));
  EXPECT_EQ(trace.Wait(), 1);
}

TEST_F(TraceCommandTest, EndsWithTheServer) {
  ChildProcess trace({"sh", "-c", "exec \"$@\" 2>&1", "sh", UDSRPC_CLI, "trace", target_});
  FirstLine(trace, [&] { Echo(); });
  server_->Shutdown();
  EXPECT_THAT(trace.ReadAll(), ContainsRegex("[0-9]+ calls?, 0 dropped; the server has ended"));
  EXPECT_EQ(trace.Wait(), 0);
}

}  // namespace
}  // namespace udsrpc::testing

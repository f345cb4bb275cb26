// examples/fanout: the two fastest of three answer, and who does not is told to stop.

#include <signal.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/examples/example_programs.h"

namespace udsrpc::testing {
namespace {

class FanoutTest : public ExampleTest {
 protected:
  static constexpr int kNever = 3'600'000;

  Process StartBackend(const std::string& name, int delay_ms) {
    return StartServer({FANOUT_BACKEND, Endpoint(name), name, absl::StrCat(delay_ms)});
  }

  // The transport is the test's on both legs.
  Process StartFanout(const std::vector<std::string>& backends) {
    std::vector<std::string> arguments{FANOUT_SERVER, Endpoint("fanout"), Flag(GetParam())};
    for (const std::string& backend : backends) arguments.push_back(Endpoint(backend));
    return StartServer(arguments);
  }

  Process StartClient(const std::string& timeout = "20s") {
    return Start({FANOUT_CLIENT, Flag(GetParam()), absl::StrCat("--timeout=", timeout), Endpoint("fanout")});
  }

  static void ExpectLines(const Process& process, const std::vector<std::string>& lines) {
    for (const std::string& line : lines) EXPECT_EQ(NextLine(process), line);
  }
};
INSTANTIATE_TEST_SUITE_P(All, FanoutTest, BothTransports(), NameOfTransport);

TEST_P(FanoutTest, TheTwoFastestAnswerAndTheThirdIsCancelled) {
  const Process fastest = StartBackend("fastest", 0);
  const Process slowest = StartBackend("slowest", kNever);
  const Process fast = StartBackend("fast", 500);
  const Process fanout = StartFanout({"slowest", "fast", "fastest"});
  for (int round = 0; round < 2; ++round) {
    const Process client = StartClient();
    // In the order in which they came, which the first connections may change.
    const std::set<std::string> results{NextLine(client), NextLine(client)};
    EXPECT_EQ(results, (std::set<std::string>{"42, says fastest", "42, says fast"}));
    EXPECT_EQ(client->Wait(kPatience), 0);
    ExpectLines(fastest, {"fastest is asked", "fastest has answered"});
    ExpectLines(fast, {"fast is asked", "fast has answered"});
    ExpectLines(slowest, {"slowest is asked", "slowest was cancelled"});
  }
  for (const Process* server : {&fanout, &fastest, &fast, &slowest}) Terminate(*server);
}

TEST_P(FanoutTest, TheClientsDeadlineIsEverybodys) {
  const Process a = StartBackend("a", kNever);
  const Process b = StartBackend("b", kNever);
  const Process fanout = StartFanout({"a", "b"});
  EXPECT_EQ(StartClient("1s")->Wait(kPatience), 1);
  ExpectLines(a, {"a is asked", "a was cancelled"});
  ExpectLines(b, {"b is asked", "b was cancelled"});
  for (const Process* server : {&fanout, &a, &b}) Terminate(*server);
}

TEST_P(FanoutTest, AClientThatIsKilledCancelsAll) {
  const Process a = StartBackend("a", 0);
  const Process b = StartBackend("b", kNever);
  const Process fanout = StartFanout({"a", "b"});
  const Process client = StartClient();
  ExpectLines(a, {"a is asked", "a has answered"});
  ExpectLines(b, {"b is asked"});
  client->Kill(SIGKILL);
  ExpectLines(b, {"b was cancelled"});
  for (const Process* server : {&fanout, &a, &b}) Terminate(*server);
}

TEST_P(FanoutTest, ABackendThatIsNotThereIsAResultToo) {
  const Process there = StartBackend("there", 0);
  const Process fanout = StartFanout({"there", "not_there"});
  const Process client = StartClient();
  const std::vector<std::string> lines{NextLine(client), NextLine(client)};
  for (const std::string& line : lines) {
    EXPECT_TRUE(line == "42, says there" ||
                absl::StartsWith(line, absl::StrCat(Endpoint("not_there"), " failed: UNAVAILABLE: ")))
        << line;
  }
  EXPECT_NE(lines[0], lines[1]);
  EXPECT_EQ(client->Wait(kPatience), 0);
  for (const Process* server : {&fanout, &there}) Terminate(*server);
}

TEST_P(FanoutTest, AServerThatIsTerminatedCancelsWhatItAwaits) {
  const Process backend = StartBackend("backend", kNever);
  const Process other = StartBackend("other", 0);
  const Process fanout = StartFanout({"backend", "other"});
  const Process client = StartClient();
  ExpectLines(other, {"other is asked", "other has answered"});
  ExpectLines(backend, {"backend is asked"});
  Terminate(fanout);
  ExpectLines(backend, {"backend was cancelled"});
  EXPECT_EQ(client->Wait(kPatience), 1);
  for (const Process* server : {&backend, &other}) Terminate(*server);
}

}  // namespace
}  // namespace udsrpc::testing

// What udsrpc stats and udsrpc top show.

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/support/child_process.h"
#include "tests/support/program_for_others.h"
#include "tests/tools/cli.h"
#include "tests/tools/observed_server.h"

namespace udsrpc::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using StatsCommandTest = ObservedServerTest;
using TopCommandTest = ObservedServerTest;

TEST_F(StatsCommandTest, ShowsMethodsAndPeers) {
  Echo();
  Echo();
  Fail(5, "no such thing");
  for (const char* transport : {"grpc", "seqpacket"}) {
    const CliResult result = RunCli({"stats", target_, absl::StrCat("--transport=", transport)});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_THAT(result.out, ContainsRegex("METHOD +CALLS +IN FLIGHT +P50 +P90 +P99 +MAX +NOT OK"));
    EXPECT_THAT(result.out, ContainsRegex("/udsrpc.testing.Test/Echo +2 +0 +[0-9.]+[mu]?s"));
    EXPECT_THAT(result.out, ContainsRegex("/udsrpc.testing.Test/Fail +1 +0 .*NOT_FOUND 1"));
    EXPECT_THAT(result.out, ContainsRegex(absl::StrCat("PROCESS +USER.*\n.*", getpid(), " ")));
    EXPECT_THAT(result.out, Not(HasSubstr("does not have")));
  }
}

TEST_F(StatsCommandTest, PrintsJson) {
  Echo();
  const CliResult result = RunCli({"stats", target_, "--json"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("\"method\":\"/udsrpc.testing.Test/Echo\",\"started\":\"1\""),
                                HasSubstr("\"transport\":\"seqpacket\"")));
  EXPECT_THAT(RunCli({"stats", target_, "--format=json"}).out, AllOf(StartsWith("{"), HasSubstr("\"uptime\"")));
}

// Prometheus' own parser for Python reads it, and finds what was counted.
TEST_F(StatsCommandTest, PrintsWhatPrometheusReads) {
  Echo();
  Echo();
  Fail(5, "no such thing");
  const CliResult result = RunCli({"stats", target_, "--format=prometheus"});
  ASSERT_EQ(result.code, 0) << result.err;
  ChildProcess parser({"/usr/bin/python3", "-c", R"(
import sys
from prometheus_client.parser import text_string_to_metric_families
text = sys.stdin.read()
families = {family.name: family for family in text_string_to_metric_families(text)}
for family in families.values():
    assert family.documentation and family.type != 'unknown', family
def value(family, name, **labels):
    found = [s.value for s in families[family].samples
             if s.name == name and all(s.labels.get(k) == v for k, v in labels.items())]
    assert len(found) == 1, (family, name, labels, found)
    return found[0]
echo = dict(service='udsrpc.testing.Test', method='Echo')
fail = dict(service='udsrpc.testing.Test', method='Fail')
assert families['udsrpc_server_started'].type == 'counter'
assert value('udsrpc_server_started', 'udsrpc_server_started_total', **echo) == 2
assert value('udsrpc_server_handled', 'udsrpc_server_handled_total', code='OK', **echo) == 2
assert value('udsrpc_server_handled', 'udsrpc_server_handled_total', code='NOT_FOUND', **fail) == 1
assert families['udsrpc_server_in_flight'].type == 'gauge'
latency = families['udsrpc_server_handling_seconds']
assert latency.type == 'histogram'
buckets = [(float(s.labels['le']), s.value) for s in latency.samples
           if s.name.endswith('_bucket') and s.labels['method'] == 'Echo']
assert buckets == sorted(buckets) and [v for _, v in buckets] == sorted(v for _, v in buckets)
assert buckets[-1] == (float('inf'), 2) and buckets[0][1] == 0
assert value('udsrpc_server_handling_seconds', 'udsrpc_server_handling_seconds_count', **echo) == 2
assert value('udsrpc_server_handling_seconds', 'udsrpc_server_handling_seconds_sum', **echo) > 0
assert value('udsrpc_server_connections', 'udsrpc_server_connections', transport='seqpacket') >= 1
print('read')
)"});
  ASSERT_TRUE(parser.WriteLine(result.out.substr(0, result.out.size() - 1)));
  parser.CloseInput();
  EXPECT_EQ(parser.ReadAll(), "read\n");
}

TEST_F(StatsCommandTest, SaysWhatIsMissing) {
  const CliResult format = RunCli({"stats", target_, "--format=xml"});
  EXPECT_EQ(format.code, 2);
  EXPECT_THAT(format.err, HasSubstr("it must be table, json or prometheus"));
  const CliResult nobody = RunCli({"stats", target_ + ".nobody"});
  EXPECT_EQ(nobody.code, 3);
  ServerBuilder builder;
  builder.AddEndpoint(target_ + "2").RegisterService(&service_);
  const absl::StatusOr<std::unique_ptr<Server>> silent = builder.Start();
  ASSERT_TRUE(silent.ok()) << silent.status();
  for (const char* command : {"stats", "top", "trace"}) {
    const CliResult result = RunCli({command, target_ + "2"});
    EXPECT_EQ(result.code, 1) << command;
    EXPECT_THAT(result.err, AllOf(HasSubstr("UNIMPLEMENTED"), HasSubstr("udsrpc::Introspection"))) << command;
  }
}

// By another user, as whom root can run it.
TEST(IntrospectionForOthersTest, OthersAreToldNothingUnlessTheyAreNamed) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  constexpr uid_t kOther = 65534;
  const ProgramForOthers cli(UDSRPC_CLI);
  for (const bool named : {false, true}) {
    const std::string name = absl::StrCat("udsrpc.test.observed.", getpid(), named);
    Introspection introspection({.allowed_uids = named ? std::vector<uid_t>{kOther} : std::vector<uid_t>{}});
    ServerBuilder builder;
    builder.AddEndpoint("unix-abstract:" + name, {.allowed_uids = {kOther}}).AddExtension(&introspection);
    const absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    for (const char* transport : {"grpc", "seqpacket"}) {
      for (const std::string command : {"stats", "trace", "record"}) {
        std::vector<std::string> words = cli.As(kOther, kOther, "65534");
        words.insert(words.end(), {command, "@" + name, absl::StrCat("--transport=", transport)});
        if (command == "record") words.push_back("/dev/null");
        if (command == "trace" && named) continue;                     // which would go on
        const int expected = !named ? 3 : command == "stats" ? 0 : 1;  // requests are shown to nobody
        EXPECT_EQ(ChildProcess(words).Wait(), expected) << command << " " << transport << " " << named;
      }
    }
  }
}

TEST_F(TopCommandTest, ShowsWhatHappensInAnInterval) {
  Echo();
  std::atomic<bool> done{false};
  std::thread caller([&] {
    while (!done.load()) Fail(3, "");
  });
  const CliResult result = RunCli({"top", target_, "--once", "--interval=300ms"});
  done.store(true);
  caller.join();
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, ContainsRegex("METHOD +CALLS/S +P50 +P90 +P99 +IN FLIGHT +NOT OK/S"));
  EXPECT_THAT(result.out, ContainsRegex("/udsrpc.testing.Test/Fail +[0-9.]+k? +[0-9.]+[mu]?s"));
  EXPECT_THAT(result.out, Not(HasSubstr("Test/Echo")));  // it was before
  EXPECT_THAT(result.out, ContainsRegex(absl::StrCat(getpid(), " +", geteuid(), " ")));
  EXPECT_THAT(result.out, Not(HasSubstr("\x1b")));
  EXPECT_EQ(RunCli({"top", target_, "--interval=1ms"}).code, 2);
}

TEST_F(TopCommandTest, WithoutATerminalItPrintsFramesUntilItIsInterrupted) {
  ChildProcess top(CliArguments({"top", target_, "--interval=50ms"}));
  int frames = 0;
  while (frames < 2) {
    const std::optional<std::string> line = top.ReadLine();
    ASSERT_TRUE(line.has_value());
    if (line->find(": process ") != std::string::npos) ++frames;
  }
  top.Kill(SIGINT);
  EXPECT_EQ(top.Wait(), 0);
}

// Everything that a terminal is sent up to the command's end, to which `keys` are typed, or which is interrupted, as
// is the shell that runs it: some shells would end of that.
std::string ScreenOf(const std::string& target, const std::string& keys) {
  ChildProcess terminal({"script", "-qec",
                         absl::StrCat("trap : INT; ", UDSRPC_CLI, " top ", target, " --interval=50ms; stty -a"),
                         "/dev/null"});
  std::string shown;
  bool typed = false;
  while (const std::optional<std::string> line = terminal.ReadLine()) {
    absl::StrAppend(&shown, *line, "\n");
    if (typed || line->find("METHOD") == std::string::npos) continue;
    EXPECT_TRUE(terminal.WriteLine(keys));
    typed = true;
  }
  EXPECT_EQ(terminal.Wait(), 0);
  return shown;
}

TEST_F(TopCommandTest, OnATerminalItIsDrawnInPlaceAndLeavesTheTerminalAsItWas) {
  Echo();
  for (const char* end : {"lmq", "\x03"}) {
    const std::string shown = ScreenOf(target_, end);
    EXPECT_THAT(shown, AllOf(HasSubstr("\x1b[?1049h"), HasSubstr("\x1b[H"), HasSubstr("q ends")));
    const size_t left = shown.find("\x1b[?1049l");
    ASSERT_NE(left, std::string::npos) << shown;
    EXPECT_EQ(shown.find("\x1b[?1049h", left), std::string::npos);
    EXPECT_THAT(shown.substr(left), AllOf(ContainsRegex("[^-]icanon"), ContainsRegex("[^-]echo ")));
  }
}

}  // namespace
}  // namespace udsrpc::testing

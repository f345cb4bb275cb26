// Client and server in processes of their own, over every combination, and what happens when one dies.

#include <signal.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/integration/combinations.h"
#include "tests/support/child_process.h"

namespace udsrpc::testing {
namespace {

class ProcessTest : public CombinationTest {
 protected:
  std::unique_ptr<ChildProcess> StartServerProcess() {
    auto process = std::make_unique<ChildProcess>(std::vector<std::string>{UDSRPC_TEST_SERVER, target_});
    EXPECT_EQ(process->ReadLine(), "ready");
    return process;
  }

  // A process that died leaves its socket files; the next server takes them over, and this removes them at the end.
  void StartAndStopToCleanUp() { StartServer(); }
};
INSTANTIATE_TEST_SUITE_P(All, ProcessTest, AllCombinations(), CombinationName);

TEST_P(ProcessTest, ACallCrossesProcesses) {
  const auto server = StartServerProcess();
  ExpectEcho(TestStub(MakeChannel()), "across");
  server->CloseInput();
  EXPECT_EQ(server->ReadLine(), "done");
  EXPECT_EQ(server->Wait(), 0);
}

TEST_P(ProcessTest, TheCallsOfAServerThatIsKilledAreUnavailableAndTheNextOneReachesItsSuccessor) {
  auto server = StartServerProcess();
  const TestStub stub(MakeChannel());
  for (int round = 0; round < 3; ++round) {
    ExpectEcho(stub, "before");
    absl::Status status;
    std::thread caller([&] {
      ClientContext context;
      BlockRequest request;
      EchoReply reply;
      request.set_gate("never opened");
      status = stub.Block(context, request, reply);
    });
    ExpectEcho(stub, "beside");
    server->Kill(SIGKILL);
    EXPECT_EQ(server->Wait(), -SIGKILL);
    caller.join();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    server = StartServerProcess();
    EXPECT_TRUE(AnsweredWithin(stub, absl::Seconds(20)));
  }
  server->Kill(SIGKILL);
  EXPECT_EQ(server->Wait(), -SIGKILL);
  StartAndStopToCleanUp();
}

TEST_P(ProcessTest, TheSecondServerOfAnEndpointIsToldWhoHasIt) {
  const auto first = StartServerProcess();
  ChildProcess second({UDSRPC_TEST_SERVER, target_});
  const std::optional<std::string> line = second.ReadLine();
  ASSERT_TRUE(line.has_value());
  EXPECT_NE(line->find("ALREADY_EXISTS"), std::string::npos) << *line;
  EXPECT_NE(line->find(absl::StrCat("process ", first->pid(), " listens")), std::string::npos) << *line;
  EXPECT_EQ(second.Wait(), 1);
  ExpectEcho(TestStub(MakeChannel()), "still the first");
  first->CloseInput();
  EXPECT_EQ(first->Wait(), 0);
}

}  // namespace
}  // namespace udsrpc::testing

// Python at the other end: grpcio, which nobody here wrote, over gRPC; and examples/python, which was written from
// docs/PROTOCOL.md, over seqpacket.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/interop/foreign_peers.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace udsrpc::testing {
namespace {

std::vector<std::string> Python(const std::string& script) {
  return {"/usr/bin/env", "PYTHONPATH=" UDSRPC_TEST_PYTHONPATH, "PYTHONDONTWRITEBYTECODE=1", "/usr/bin/python3",
          absl::StrCat(UDSRPC_TEST_INTEROP "/", script)};
}

TEST(Python, ClientOfGrpcio) {
  CheckForeignClient({.name = "grpcio",
                      .command = Python("grpcio_client.py"),
                      .scenarios = {"echo", "long_messages", "status", "metadata", "deadline", "cancel",
                                    "server_streaming", "client_streaming", "chat", "many_calls", "slow_reader"}});
}

TEST(Python, ClientWrittenFromTheProtocol) {
  CheckForeignClient({.name = "python",
                      .command = Python("seqpacket_client.py"),
                      .scenarios = {"echo", "long_messages", "too_long_messages", "status", "metadata", "deadline",
                                    "cancel", "server_streaming", "client_streaming", "chat", "many_calls",
                                    "slow_reader", "slow_server", "ping", "many_methods"},
                      .drains = true});
}

TEST(Python, ServerOfGrpcio) { CheckForeignServer({.name = "grpcio", .command = Python("grpcio_server.py")}); }

TEST(Python, ServerWrittenFromTheProtocol) {
  CheckForeignServer({.name = "python", .command = Python("seqpacket_server.py"), .transport = Transport::kSeqpacket});
}

// None of its calls notices that another process takes over.
TEST(Python, ClientWrittenFromTheProtocolFollowsATakeover) {
  const TempDir dir;
  const std::string endpoint = absl::StrCat("unix:", dir.File("s"));
  const std::vector<std::string> server = {UDSRPC_TAKEOVER_SERVER, dir.File("takeover"), "10000", endpoint};
  auto old_server = std::make_unique<ChildProcess>(server);
  ASSERT_EQ(old_server->ReadLine(), "ready");
  std::vector<std::string> command = Python("seqpacket_client.py");
  command.insert(command.end(), {"--load", endpoint});
  ChildProcess client(command);
  ASSERT_EQ(client.ReadLine(), "calling");
  for (int i = 0; i < 5; ++i) {
    SCOPED_TRACE(i);
    auto next = std::make_unique<ChildProcess>(server);
    ASSERT_EQ(next->ReadLine(), "ready");
    EXPECT_EQ(old_server->ReadLine(), "taken over");
    EXPECT_EQ(old_server->Wait(), 0);
    old_server = std::move(next);
  }
  client.CloseInput();
  EXPECT_EQ(client.ReadLine(), "ok load");
  EXPECT_EQ(client.Wait(), 0);
  old_server->CloseInput();
  EXPECT_EQ(old_server->ReadLine(), "done");
  EXPECT_EQ(old_server->Wait(), 0);
  EXPECT_TRUE(dir.IsEmpty());
}

}  // namespace
}  // namespace udsrpc::testing

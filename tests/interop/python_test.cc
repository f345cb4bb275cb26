// Python at the other end: grpcio, which nobody here wrote, over gRPC; and examples/python, which was written from
// docs/PROTOCOL.md, over seqpacket.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/interop/foreign_peers.h"

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

}  // namespace
}  // namespace udsrpc::testing

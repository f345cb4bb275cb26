// Node.js at the other end: grpc-js, which nobody here wrote and which shares no code with the gRPC of C++ and Python.
// It has no unix-abstract: targets.

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/interop/foreign_peers.h"
#include "tests/support/child_process.h"

namespace udsrpc::testing {
namespace {

std::vector<std::string> Node(const std::string& script) {
  return {"/usr/bin/env", "UDSRPC_NODE_MODULES=" UDSRPC_NODE_MODULES, "UDSRPC_TEST_PROTO=" UDSRPC_TEST_PROTO, "node",
          absl::StrCat(UDSRPC_TEST_NODE "/", script)};
}

TEST(Node, Client) {
  CheckForeignClient({.name = "node",
                      .command = Node("client.js"),
                      .scenarios = {"echo", "long_messages", "status", "metadata", "deadline", "cancel",
                                    "server_streaming", "client_streaming", "chat", "many_calls", "slow_reader"},
                      .abstract_names = false});
}

TEST(Node, Server) {
  ChildProcess version({"node", "-p", "parseInt(process.versions.node)"});
  int major_version = 0;
  ASSERT_TRUE(absl::SimpleAtoi(version.ReadLine().value_or(""), &major_version));
  CheckForeignServer({.name = "node",
                      .command = Node("server.js"),
                      .abstract_names = false,
                      .loses_last_status = major_version < 20});  // 18.20 does, 20.20 does not
}

}  // namespace
}  // namespace udsrpc::testing

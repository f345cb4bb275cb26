// Clients in other languages against a udsrpc server.

#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/interop/foreign_peers.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace udsrpc::testing {
namespace {

constexpr absl::Duration kScenarioTime = absl::Seconds(60);

}  // namespace

void CheckForeignClient(const ForeignClient& client) {
  const TempDir dir;
  std::vector<std::string> endpoints = {absl::StrCat("unix:", dir.File("s"))};
  if (client.abstract_names)
    endpoints.push_back(absl::StrCat("unix-abstract:udsrpc.test.", client.name, ".", getpid()));
  std::vector<std::string> server_command = {UDSRPC_TEST_SERVER};
  std::vector<std::string> client_command = client.command;
  server_command.insert(server_command.end(), endpoints.begin(), endpoints.end());
  client_command.insert(client_command.end(), endpoints.begin(), endpoints.end());

  ChildProcess server(server_command);
  ASSERT_EQ(server.ReadLine(), "ready");
  ChildProcess program(client_command);
  for (const std::string& endpoint : endpoints) {
    for (const std::string& scenario : client.scenarios) {
      ASSERT_EQ(program.ReadLine(kScenarioTime), "ok " + scenario) << client.name << " at " << endpoint;
    }
  }
  if (client.drains) {
    ASSERT_EQ(program.ReadLine(kScenarioTime), "drain");
    server.CloseInput();
    ASSERT_EQ(program.ReadLine(kScenarioTime), "ok drain");
  }
  EXPECT_EQ(program.Wait(), 0);
  server.CloseInput();
  // Well before the server would end calls by itself: what was cancelled, or has passed its deadline, has ended.
  EXPECT_EQ(server.ReadLine(absl::Seconds(8)), "done");
  EXPECT_EQ(server.Wait(), 0);
  EXPECT_TRUE(dir.IsEmpty());
}

}  // namespace udsrpc::testing

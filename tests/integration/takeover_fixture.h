#ifndef UDSRPC_TESTS_INTEGRATION_TAKEOVER_FIXTURE_H_
#define UDSRPC_TESTS_INTEGRATION_TAKEOVER_FIXTURE_H_

#include <sys/stat.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/integration/combinations.h"
#include "tests/support/child_process.h"

namespace udsrpc::testing {

// Servers in processes of their own that take over from one another.
class TakeoverTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_TRUE(dir_.IsEmpty()) << "a file is left in " << dir_.path(); }

  std::unique_ptr<ChildProcess> StartProcess(const std::vector<std::string>& targets, int drain_milliseconds = 20000) {
    std::vector<std::string> arguments{UDSRPC_TAKEOVER_SERVER, path_, absl::StrCat(drain_milliseconds)};
    arguments.insert(arguments.end(), targets.begin(), targets.end());
    return std::make_unique<ChildProcess>(arguments);
  }
  // One that serves.
  std::unique_ptr<ChildProcess> StartServer(const std::vector<std::string>& targets, int drain_milliseconds = 20000) {
    auto server = StartProcess(targets, drain_milliseconds);
    EXPECT_EQ(server->ReadLine(), "ready");
    return server;
  }
  std::unique_ptr<ChildProcess> StartServer() { return StartServer({target_}); }

  static void ExpectTakenOver(ChildProcess& server) {
    EXPECT_EQ(server.ReadLine(), "taken over");
    EXPECT_EQ(server.Wait(), 0);
  }
  static void ShutDown(ChildProcess& server) {
    server.CloseInput();
    EXPECT_EQ(server.ReadLine(), "done");
    EXPECT_EQ(server.Wait(), 0);
  }

  TestStub Stub(Transport transport) const { return TestStub(*CreateChannel(target_, {.transport = transport})); }

  static ino_t Inode(const std::string& file) {
    struct stat found;
    return stat(file.c_str(), &found) == 0 ? found.st_ino : 0;
  }

  TempDir dir_;
  const std::string target_ = "unix:" + dir_.File("s");
  const std::string path_ = dir_.File("takeover");
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_INTEGRATION_TAKEOVER_FIXTURE_H_

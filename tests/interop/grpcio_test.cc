// A client of Python's grpcio calls a udsrpc server.

#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace udsrpc::testing {
namespace {

TEST(Grpcio, CallsOverAPathAndAnAbstractName) {
  const TempDir dir;
  const std::string path = absl::StrCat("unix:", dir.File("s"));
  const std::string abstract = absl::StrCat("unix-abstract:udsrpc.test.grpcio.", getpid());
  ChildProcess server({UDSRPC_TEST_SERVER, path, abstract});
  ASSERT_EQ(server.ReadLine(), "ready");
  ChildProcess client({"/usr/bin/env", "PYTHONPATH=" UDSRPC_TEST_PYTHONPATH, "PYTHONDONTWRITEBYTECODE=1",
                       "/usr/bin/python3", UDSRPC_TEST_GRPCIO_CLIENT, path, abstract});
  EXPECT_EQ(client.ReadLine(absl::Seconds(60)), "ok " + path);
  EXPECT_EQ(client.ReadLine(absl::Seconds(60)), "ok " + abstract);
  EXPECT_EQ(client.Wait(), 0);
  server.CloseInput();
  EXPECT_EQ(server.Wait(), 0);
  EXPECT_TRUE(dir.IsEmpty());
}

}  // namespace
}  // namespace udsrpc::testing

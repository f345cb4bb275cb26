// A client of Python's grpcio asks a udsrpc server's standard services.

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_service.h"
#include "udsrpc/health.h"
#include "udsrpc/reflection.h"
#include "udsrpc/server.h"

namespace udsrpc::testing {
namespace {

TEST(Grpcio, AsksForHealthAndReflection) {
  const TempDir dir;
  const std::string target = "unix:" + dir.File("s");
  TestServiceImpl service;
  Health health;
  Reflection reflection;
  ServerBuilder builder;
  builder.AddEndpoint(target).RegisterService(&service).AddExtension(&health).AddExtension(&reflection);
  absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  ASSERT_TRUE(server.ok()) << server.status();
  ChildProcess client({"/usr/bin/env", "PYTHONDONTWRITEBYTECODE=1", "/usr/bin/python3", UDSRPC_TEST_GRPCIO_SERVICES,
                       target, UDSRPC_TEST_SERVICES_PYTHONPATH});
  EXPECT_EQ(client.ReadLine(absl::Seconds(60)), "reflected");
  ASSERT_EQ(client.ReadLine(absl::Seconds(60)), "watching");
  (*server)->Shutdown(absl::InfiniteFuture());
  EXPECT_EQ(client.ReadLine(absl::Seconds(60)), "ended");
  EXPECT_EQ(client.Wait(), 0);
}

}  // namespace
}  // namespace udsrpc::testing

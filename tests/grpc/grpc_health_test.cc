// gRPC's client-side health checking, which a service config asks for, against our health checking: a channel calls
// only a server that says SERVING.

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <chrono>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_service.h"
#include "udsrpc/health.h"
#include "udsrpc/server.h"

namespace udsrpc::testing {
namespace {

// Waits for it, and has the channel connect meanwhile. False: it has not come to that for 20 s.
bool AwaitState(grpc::Channel& channel, grpc_connectivity_state wanted) {
  const auto give_up = std::chrono::system_clock::now() + std::chrono::seconds(20);
  for (;;) {
    const grpc_connectivity_state state = channel.GetState(/*try_to_connect=*/true);
    if (state == wanted) return true;
    if (!channel.WaitForStateChange(state, give_up)) return false;
  }
}

TEST(GrpcHealthTest, AStockChannelFollowsTheServicesHealth) {
  const TempDir dir;
  const std::string target = "unix:" + dir.File("s");
  TestServiceImpl service;
  Health health;
  health.SetServing("udsrpc.testing.Test", false);
  ServerBuilder builder;
  builder.AddEndpoint(target).RegisterService(&service).AddExtension(&health);
  absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  ASSERT_TRUE(server.ok()) << server.status();

  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(
      R"({"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": "udsrpc.testing.Test"}})");
  const std::shared_ptr<grpc::Channel> channel =
      grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
  EXPECT_TRUE(AwaitState(*channel, GRPC_CHANNEL_TRANSIENT_FAILURE));
  health.SetServing("udsrpc.testing.Test", true);
  EXPECT_TRUE(AwaitState(*channel, GRPC_CHANNEL_READY));
  health.SetMaintenance(true);
  EXPECT_TRUE(AwaitState(*channel, GRPC_CHANNEL_TRANSIENT_FAILURE));
  health.SetMaintenance(false);
  EXPECT_TRUE(AwaitState(*channel, GRPC_CHANNEL_READY));
}

}  // namespace
}  // namespace udsrpc::testing

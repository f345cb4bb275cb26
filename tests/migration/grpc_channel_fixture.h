#ifndef UDSRPC_TESTS_MIGRATION_GRPC_CHANNEL_FIXTURE_H_
#define UDSRPC_TESTS_MIGRATION_GRPC_CHANNEL_FIXTURE_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/proto/testing.grpc.pb.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_service.h"
#include "udsrpc/grpc_channel.h"
#include "udsrpc/server.h"

namespace udsrpc::testing {

using StockTest = Test;  // which GoogleTest has a class of the name of, too

// A stub of gRPC's, on a channel over seqpacket to a server of ours.
class GrpcChannelTest : public ::testing::Test {
 protected:
  GrpcChannelTest() {
    ServerBuilder builder;
    builder.AddEndpoint(target_, {.grpc = false});
    builder.RegisterService(&service_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    UseChannel({});
  }

  void UseChannel(GrpcChannelOptions options) {
    channel_ =
        CreateGrpcChannel(CreateChannel(target_, {.transport = Transport::kSeqpacket}).value(), std::move(options));
    stub_ = StockTest::NewStub(channel_);
  }

  static void SetTimeout(grpc::ClientContext& context, absl::Duration timeout = absl::Seconds(20)) {
    context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  }
  static EchoRequest RequestOf(const std::string& text) {
    EchoRequest request;
    request.set_text(text);
    return request;
  }

  const TempDir dir_;
  const std::string target_ = absl::StrCat("unix:", dir_.File("s"));
  TestServiceImpl service_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<StockTest::Stub> stub_;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_MIGRATION_GRPC_CHANNEL_FIXTURE_H_

// Our client transport and gRPC's own server.

#include <string>
#include <thread>

#include "absl/strings/cord.h"
#include "absl/time/clock.h"
#include "client/src/grpc_transport.h"
#include "gmock/gmock.h"
#include "google/protobuf/wrappers.pb.h"
#include "tests/grpc/grpc_server_fixture.h"
#include "tests/grpc/stock_peers.h"
#include "udsrpc/proto/status_details.pb.h"

namespace udsrpc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

// Has the client of the other fixture, and a server of gRPC's in the place of ours.
class GrpcStockServerTest : public GrpcServerFixture {
 protected:
  void StartStockServer(StockServer::Script script) {
    server_ = std::make_unique<StockServer>(endpoint_.ToString(), std::move(script));
    channel_ = OurChannel();
  }

  static std::string Text(const std::string& text) {
    StringValue value;
    value.set_value(text);
    return value.SerializeAsString();
  }

  std::unique_ptr<StockServer> server_;
  std::shared_ptr<Channel> channel_;
};

TEST_F(GrpcStockServerTest, Answers) {
  StartStockServer([](StockServer::Call& call) {
    EXPECT_EQ(call.context.method(), kDo.path);
    EXPECT_EQ(call.context.host(), "localhost");
    call.Reply(*call.Read());
  });
  for (const size_t size : {0, 1, 64, 3'000'000}) ExpectEcho(*channel_, std::string(size, 'x'));
}

TEST_F(GrpcStockServerTest, SendsStatusDetailsAndMetadata) {
  internal::StatusDetails details;
  details.set_code(3);
  details.set_message("wörds");
  details.add_details()->set_type_url("type.googleapis.com/x.Y");
  details.mutable_details(0)->set_value("payload");
  StartStockServer([&details](StockServer::Call& call) {
    call.Read();
    call.context.AddInitialMetadata("i", "1");
    call.context.AddTrailingMetadata("t-bin", "\xff");
    call.Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "wörds", details.SerializeAsString()));
  });
  ClientContext context;
  absl::Status expected = absl::InvalidArgumentError("wörds");
  expected.SetPayload("type.googleapis.com/x.Y", absl::Cord("payload"));
  EXPECT_EQ(Do(*channel_, context, ""), expected);
  server_.reset();
  EXPECT_THAT(context.server_initial_metadata(), ElementsAre(Pair("i", "1")));
  EXPECT_THAT(context.server_trailing_metadata(), ElementsAre(Pair("t-bin", "\xff")));
}

TEST_F(GrpcStockServerTest, SeesDeadlineAndMetadata) {
  StartStockServer([](StockServer::Call& call) {
    call.Read();
    EXPECT_LT(call.context.deadline(), std::chrono::system_clock::now() + std::chrono::seconds(101));
    EXPECT_GT(call.context.deadline(), std::chrono::system_clock::now() + std::chrono::seconds(50));
    EXPECT_EQ(call.context.client_metadata().find("k-bin")->second, grpc::string_ref("\0\xff", 2));
    call.Reply("");
  });
  ClientContext context;
  context.set_timeout(absl::Seconds(100));
  ASSERT_TRUE(context.AddMetadata("k-bin", std::string("\0\xff", 2)).ok());
  EXPECT_TRUE(Do(*channel_, context, "").ok());
}

TEST_F(GrpcStockServerTest, ThatSaysOkWithoutAReplyMakesUnimplemented) {
  StartStockServer([](StockServer::Call& call) {
    call.Read();
    call.Finish(grpc::Status::OK);
  });
  EXPECT_EQ(Do(*channel_, "").code(), absl::StatusCode::kUnimplemented);
}

TEST_F(GrpcStockServerTest, WhoseReplyDoesNotParseMakesInternal) {
  StartStockServer([](StockServer::Call& call) {
    call.Read();
    call.Reply("\xff\xff");
  });
  EXPECT_EQ(Do(*channel_, "").code(), absl::StatusCode::kInternal);
}

TEST_F(GrpcStockServerTest, ThatFailsAfterAReplyFailsTheCall) {
  StartStockServer([](StockServer::Call& call) {
    call.Read();
    call.Write(Text("half an answer"));
    call.Finish(grpc::Status(grpc::StatusCode::DATA_LOSS, "and no more"));
  });
  EXPECT_EQ(Do(*channel_, ""), absl::DataLossError("and no more"));
}

TEST_F(GrpcStockServerTest, WhoseReplyIsTooLargeMakesResourceExhausted) {
  StartStockServer([](StockServer::Call& call) {
    call.Read();
    call.Reply(Text(std::string(5 << 20, 'x')));
  });
  EXPECT_EQ(Do(*channel_, "").code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(GrpcStockServerTest, IsQuotedWhateverItSays) {
  StartStockServer([](StockServer::Call& call) {
    StringValue code;
    EXPECT_TRUE(code.ParseFromString(*call.Read()));
    call.Finish(grpc::Status(static_cast<grpc::StatusCode>(std::stoi(code.value())), "upstream gave up"));
  });
  EXPECT_EQ(Do(*channel_, "14"), absl::UnavailableError("upstream gave up"));
  EXPECT_EQ(Do(*channel_, "1"), absl::CancelledError("upstream gave up"));
  EXPECT_EQ(Do(*channel_, "4"), absl::DeadlineExceededError("upstream gave up"));
}

TEST_F(GrpcStockServerTest, ThatShutsDownMakesUnavailable) {
  Event arrived;
  Event ended;
  StartStockServer([&](StockServer::Call& call) {
    call.Read();
    arrived.Happen();
    EXPECT_TRUE(ended.Await());
    call.Finish(grpc::Status::OK);
  });
  std::thread shutdown([&] {
    EXPECT_TRUE(arrived.Await());
    server_.reset();
  });
  const absl::Status status = Do(*channel_, "");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(endpoint_.ToString()));
  ended.Happen();
  shutdown.join();
}

}  // namespace
}  // namespace udsrpc::testing

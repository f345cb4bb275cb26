// gRPC's own client and our server transport: what a client in any language sees.

#include <chrono>
#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "gmock/gmock.h"
#include "tests/grpc/grpc_server_fixture.h"
#include "tests/grpc/stock_peers.h"

namespace udsrpc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class GrpcStockClientTest : public GrpcServerFixture {
 protected:
  static std::string Text(const std::string& text) {
    StringValue value;
    value.set_value(text);
    return value.SerializeAsString();
  }
};

TEST_F(GrpcStockClientTest, IsAnswered) {
  StartServer();
  StockClient client(StockChannel());
  for (const size_t size : {0, 1, 64, 3'000'000}) {
    grpc::ClientContext context;
    std::string reply;
    const grpc::Status status = client.Call(context, kDo.path, Text(std::string(size, 'x')), &reply);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(reply, Text(std::string(size, 'x')));
  }
}

TEST_F(GrpcStockClientTest, SeesStatusDetailsAndMetadata) {
  service_.script = [](ServerContext& context, const StringValue&, StringValue&) {
    EXPECT_TRUE(context.AddInitialMetadata("i-bin", std::string("\0\xff", 2)).ok());
    EXPECT_TRUE(context.AddTrailingMetadata("t", "1").ok());
    absl::Status status = absl::OutOfRangeError("100% wörds\n");
    status.SetPayload("type.googleapis.com/x.Y", absl::Cord("payload"));
    return status;
  };
  StartServer();
  StockClient client(StockChannel());
  grpc::ClientContext context;
  const grpc::Status status = client.Call(context, kDo.path, "", nullptr);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(status.error_message(), "100% wörds\n");
  // A google.rpc.Status: code 11, message, and one Any.
  EXPECT_THAT(status.error_details(), HasSubstr("type.googleapis.com/x.Y"));
  EXPECT_EQ(context.GetServerInitialMetadata().find("i-bin")->second, grpc::string_ref("\0\xff", 2));
  EXPECT_EQ(context.GetServerTrailingMetadata().find("t")->second, "1");
}

TEST_F(GrpcStockClientTest, AuthorityAndUserAgentStayOutOfTheMetadata) {
  service_.script = [](ServerContext& context, const StringValue&, StringValue&) {
    EXPECT_EQ(context.client_metadata().size(), 1);
    EXPECT_EQ(context.client_metadata().Get("mine"), "1");
    return absl::OkStatus();
  };
  StartServer();
  StockClient client(StockChannel());
  grpc::ClientContext context;
  context.set_authority("some.authority");
  context.AddMetadata("mine", "1");
  EXPECT_TRUE(client.Call(context, kDo.path, "", nullptr).ok());
}

TEST_F(GrpcStockClientTest, WithACompressedRequestIsAnswered) {
  StartServer();
  StockClient client(StockChannel());
  for (const grpc_compression_algorithm algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    grpc::ClientContext context;
    context.set_compression_algorithm(algorithm);
    std::string reply;
    EXPECT_TRUE(client.Call(context, kDo.path, Text(std::string(10'000, 'x')), &reply).ok());
    EXPECT_EQ(reply, Text(std::string(10'000, 'x')));
  }
}

// The next three as gRPC 1.51.1's own synchronous server answers them.

TEST_F(GrpcStockClientTest, WithoutARequestGetsInternal) {
  StartServer();
  StockClient client(StockChannel());
  grpc::ClientContext context;
  std::vector<std::string> replies;
  EXPECT_EQ(client.Stream(context, kDo.path, {}, &replies).error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(replies, IsEmpty());
}

TEST_F(GrpcStockClientTest, OfTwoRequestsTheFirstIsAnswered) {
  StartServer();
  StockClient client(StockChannel());
  grpc::ClientContext context;
  std::vector<std::string> replies;
  EXPECT_TRUE(client.Stream(context, kDo.path, {Text("one"), Text("two")}, &replies).ok());
  EXPECT_THAT(replies, ElementsAre(Text("one")));
}

TEST_F(GrpcStockClientTest, WithARequestThatDoesNotParseGetsInternal) {
  StartServer();
  StockClient client(StockChannel());
  grpc::ClientContext context;
  EXPECT_EQ(client.Call(context, kDo.path, "\xff\xff", nullptr).error_code(), grpc::StatusCode::INTERNAL);
}

TEST_F(GrpcStockClientTest, ToAnUnknownMethodGetsUnimplementedBeforeItsRequestIsRead) {
  StartServer();
  StockClient client(StockChannel());
  for (const std::string path : {"/test.Scripted/Nope", "/test.Nope/Do", "nopath"}) {
    grpc::ClientContext context;
    // Far more than flow control lets through unread.
    const grpc::Status status = client.Call(context, path, std::string(50 << 20, 'x'), nullptr);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED) << path;
    EXPECT_THAT(status.error_message(), HasSubstr(path));
  }
  grpc::ClientContext context;
  EXPECT_TRUE(client.Call(context, kDo.path, "", nullptr).ok());
}

TEST_F(GrpcStockClientTest, OverTheMessageLimitGetsResourceExhausted) {
  StartServer({.max_receive_message_bytes = 1000});
  StockClient client(StockChannel());
  for (const size_t size : {1001, 100'000, 10'000'000}) {
    grpc::ClientContext context;
    EXPECT_EQ(client.Call(context, kDo.path, std::string(size, 'x'), nullptr).error_code(),
              grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
  grpc::ClientContext context;
  EXPECT_TRUE(client.Call(context, kDo.path, "", nullptr).ok());
}

TEST_F(GrpcStockClientTest, ThatNeverSendsItsRequestTakesNoHandlerThread) {
  StartServer({.max_handler_threads = 1});
  const std::shared_ptr<grpc::Channel> channel = StockChannel();
  grpc::CompletionQueue queue;
  {
    grpc::GenericStub stub(channel);
    grpc::ClientContext silent;
    const auto call = stub.PrepareCall(&silent, kDo.path, &queue);
    void* tag;
    bool ok;
    call->StartCall(nullptr);
    ASSERT_TRUE(queue.Next(&tag, &ok) && ok);
    StockClient client(channel);
    grpc::ClientContext context;
    EXPECT_TRUE(client.Call(context, kDo.path, "", nullptr).ok());
    silent.TryCancel();
    grpc::Status status;
    call->Finish(&status, nullptr);
    ASSERT_TRUE(queue.Next(&tag, &ok));
  }
  queue.Shutdown();
}

}  // namespace
}  // namespace udsrpc::testing

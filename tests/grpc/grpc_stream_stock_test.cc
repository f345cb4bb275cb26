// Streaming calls between our transports and gRPC's own client and server, for each kind.

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "tests/grpc/grpc_server_fixture.h"
#include "tests/grpc/stock_peers.h"

namespace udsrpc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

std::string Bytes(const std::string& text) { return Value(text).SerializeAsString(); }

class GrpcStreamStockTest : public GrpcServerFixture {
 protected:
  // Stops the stock server's thread before what its script refers to goes.
  ~GrpcStreamStockTest() override { stock_.reset(); }

  void StartStock(StockServer::Script script) {
    stock_ = std::make_unique<StockServer>(endpoint_.ToString(), std::move(script));
  }

  std::unique_ptr<StockServer> stock_;
};

TEST_F(GrpcStreamStockTest, AStockClientGetsEveryKindFromOurServer) {
  StartServer();
  StockClient client(StockChannel());
  struct Case {
    const char* method;
    std::vector<std::string> sent;
    std::vector<std::string> received;
  };
  for (const Case& one : std::vector<Case>{
           {kList.path, {Bytes("abc")}, {Bytes("a"), Bytes("b"), Bytes("c")}},
           {kList.path, {Bytes("")}, {}},
           {kCollect.path, {Bytes("a"), Bytes("b"), Bytes("c")}, {Bytes("abc")}},
           {kCollect.path, {}, {Bytes("")}},
           {kChat.path, {Bytes("a"), Bytes("b")}, {Bytes("a"), Bytes("b")}},
           {kChat.path, {}, {}},
       }) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    std::vector<std::string> received;
    const grpc::Status status = client.Stream(context, one.method, one.sent, &received);
    EXPECT_TRUE(status.ok()) << one.method << ": " << status.error_message();
    EXPECT_EQ(received, one.received) << one.method;
  }
}

TEST_F(GrpcStreamStockTest, AStockClientGetsInternalForWhatDoesNotParseOrIsMissing) {
  StartServer();
  StockClient client(StockChannel());
  for (const auto& [method, sent] : std::vector<std::pair<const char*, std::vector<std::string>>>{
           {kList.path, {}}, {kList.path, {"\xff"}}, {kCollect.path, {Bytes("a"), "\xff"}}, {kChat.path, {"\xff"}}}) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    std::vector<std::string> received;
    EXPECT_EQ(client.Stream(context, method, sent, &received).error_code(), grpc::StatusCode::INTERNAL) << method;
    EXPECT_THAT(received, IsEmpty());
  }
}

TEST_F(GrpcStreamStockTest, OurClientGetsEveryKindFromAStockServer) {
  StartStock([](StockServer::Call& call) {
    if (call.context.method() == kList.path) {
      EXPECT_EQ(call.Read(), Bytes("request"));
      EXPECT_EQ(call.Read(), std::nullopt);
      call.context.AddInitialMetadata("i", "1");
      call.context.AddTrailingMetadata("t", "2");
      call.Write(Bytes("a"));
      call.Write(Bytes("b"));
      call.Finish(grpc::Status(grpc::StatusCode::NOT_FOUND, "no more"));
    } else if (call.context.method() == kCollect.path) {
      int messages = 0;
      while (call.Read().has_value()) ++messages;
      call.Reply(Bytes(std::to_string(messages)));
    } else {
      while (const std::optional<std::string> message = call.Read()) call.Write(*message);
      call.Finish(grpc::Status::OK);
    }
  });
  const auto channel = OurChannel();
  StringValue message;
  {
    ClientContext context;
    context.set_timeout(absl::Seconds(20));
    auto reader = List(*channel, context, "request");
    EXPECT_TRUE(reader.Read(message));
    EXPECT_EQ(message.value(), "a");
    EXPECT_THAT(context.server_initial_metadata(), ElementsAre(Pair("i", "1")));
    EXPECT_TRUE(reader.Read(message));
    EXPECT_FALSE(reader.Read(message));
    EXPECT_EQ(reader.Finish(), absl::NotFoundError("no more"));
    EXPECT_THAT(context.server_trailing_metadata(), ElementsAre(Pair("t", "2")));
  }
  {
    ClientContext context;
    context.set_timeout(absl::Seconds(20));
    auto writer = Collect(*channel, context, message);
    for (int i = 0; i < 7; ++i) EXPECT_TRUE(writer.Write(Value("x")));
    EXPECT_TRUE(writer.Finish().ok());
    EXPECT_EQ(message.value(), "7");
  }
  ClientContext context;
  context.set_timeout(absl::Seconds(20));
  auto stream = Chat(*channel, context);
  for (const std::string text : {"one", "two"}) {
    EXPECT_TRUE(stream.Write(Value(text)));
    EXPECT_TRUE(stream.Read(message));
    EXPECT_EQ(message.value(), text);
  }
  EXPECT_TRUE(stream.WritesDone());
  EXPECT_FALSE(stream.Read(message));
  EXPECT_TRUE(stream.Finish().ok());
}

TEST_F(GrpcStreamStockTest, OurClientOutlivesTheServersConnection) {
  // A listener that hangs up: to the client, the server's death.
  Event arrived;
  service_.chat_script = [&arrived](ServerContext& context, ScriptedService::ReaderWriter& stream) {
    arrived.Happen();
    StringValue message;
    EXPECT_FALSE(stream.Read(message));
    EXPECT_TRUE(context.IsCancelled());
    EXPECT_FALSE(stream.Write(message));
    return absl::OkStatus();
  };
  StartServer();
  const auto channel = OurChannel();
  ClientContext context;
  context.set_timeout(absl::Seconds(20));
  auto stream = Chat(*channel, context);
  EXPECT_TRUE(arrived.Await());
  StopServer();
  StringValue message;
  EXPECT_FALSE(stream.Read(message));
  EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace udsrpc::testing

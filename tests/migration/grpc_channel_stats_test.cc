// What our channel counts of the calls that stubs of gRPC's make on it.

#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/client_callback.h>

#include <vector>

#include "tests/migration/grpc_channel_fixture.h"
#include "tests/support/event.h"

namespace udsrpc::testing {
namespace {

class GrpcChannelStatsTest : public GrpcChannelTest {
 protected:
  // The one method that was called, and nothing else.
  void ExpectCounted(const std::string& name, const std::map<absl::StatusCode, uint64_t>& ended) const {
    uint64_t calls = 0;
    for (const auto& [code, count] : ended) calls += count;
    const std::vector<MethodStats> methods = counted_->Stats().methods;
    ASSERT_EQ(methods.size(), 2u);
    EXPECT_EQ(methods[0].method, "/udsrpc.testing.Test/" + name);
    EXPECT_EQ(methods[0].started, calls);
    EXPECT_EQ(methods[0].in_flight, 0u);
    EXPECT_EQ(methods[0].ended, ended);
    EXPECT_EQ(methods[0].latency.count(), calls);
    EXPECT_EQ(methods[1].started, 0u);
  }
  uint64_t sent_bytes() const { return counted_->Stats().methods[0].sent_bytes; }
  uint64_t received_bytes() const { return counted_->Stats().methods[0].received_bytes; }

  // Waits for the next event of `queue`.
  static void Next(grpc::CompletionQueue& queue) {
    void* tag = nullptr;
    bool ok = false;
    EXPECT_EQ(queue.AsyncNext(&tag, &ok, absl::ToChronoTime(absl::Now() + absl::Seconds(20))),
              grpc::CompletionQueue::GOT_EVENT);
  }

  const std::shared_ptr<Channel> counted_ = CreateChannel(target_, {.transport = Transport::kSeqpacket}).value();
  const std::shared_ptr<grpc::Channel> stock_ = CreateGrpcChannel(counted_);
  const std::unique_ptr<StockTest::Stub> of_stock_ = StockTest::NewStub(stock_);
};

TEST_F(GrpcChannelStatsTest, BlockingUnaryCalls) {
  for (const int code : {0, 5, 5}) {
    grpc::ClientContext context;
    SetTimeout(context);
    FailRequest request;
    request.set_code(code == 0 ? 7 : code);
    EchoReply reply;
    EXPECT_EQ(of_stock_->Fail(&context, request, &reply).error_code(), code == 0 ? 7 : code);
  }
  ExpectCounted("Fail", {{absl::StatusCode::kNotFound, 2}, {absl::StatusCode::kPermissionDenied, 1}});
  EXPECT_EQ(sent_bytes(), 3 * 2u);
}

TEST_F(GrpcChannelStatsTest, BlockingStreams) {
  grpc::ClientContext context;
  SetTimeout(context);
  const auto chat = of_stock_->Chat(&context);
  EchoReply reply;
  EXPECT_TRUE(chat->Write(RequestOf("four")));
  EXPECT_TRUE(chat->Read(&reply));
  EXPECT_EQ(counted_->Stats().methods[0].in_flight, 1u);
  EXPECT_TRUE(chat->WritesDone());
  EXPECT_TRUE(chat->Finish().ok());
  ExpectCounted("Chat", {{absl::StatusCode::kOk, 1}});
  EXPECT_EQ(sent_bytes(), 6u);
  EXPECT_EQ(received_bytes(), 6u);
}

TEST_F(GrpcChannelStatsTest, UnaryCallsByQueue) {
  grpc::CompletionQueue queue;
  for (const char* text : {"a", "b"}) {
    grpc::ClientContext context;
    SetTimeout(context);
    EchoReply reply;
    grpc::Status status;
    const auto call = of_stock_->AsyncEcho(&context, RequestOf(text), &queue);
    call->Finish(&reply, &status, nullptr);
    Next(queue);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  ExpectCounted("Echo", {{absl::StatusCode::kOk, 2}});
  EXPECT_EQ(sent_bytes(), 2 * 3u);
  EXPECT_EQ(received_bytes(), 2 * 3u);
}

TEST_F(GrpcChannelStatsTest, StreamsByQueue) {
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  SetTimeout(context);
  InflateRequest request;
  request.set_messages(2);
  request.set_bytes(4);
  EchoReply reply;
  const auto reader = of_stock_->AsyncCount(&context, request, &queue, nullptr);
  for (int events = 0; events < 3; ++events) {  // of the start, and of two messages
    Next(queue);
    if (events < 2) reader->Read(&reply, nullptr);
  }
  grpc::Status status;
  reader->Finish(&status, nullptr);
  Next(queue);
  EXPECT_TRUE(status.ok()) << status.error_message();
  ExpectCounted("Count", {{absl::StatusCode::kOk, 1}});
  EXPECT_EQ(received_bytes(), 2 * 6u);
}

// What ends before there is a call of ours is counted as well.
TEST_F(GrpcChannelStatsTest, CallsThatAreRefusedOrCancelledBeforeTheyBegin) {
  EchoReply reply;
  {
    grpc::ClientContext context;
    context.AddMetadata("key", "a\nline");
    EXPECT_EQ(of_stock_->Echo(&context, RequestOf("x"), &reply).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  }
  {
    grpc::ClientContext context;
    context.TryCancel();
    EXPECT_EQ(of_stock_->Echo(&context, RequestOf("x"), &reply).error_code(), grpc::StatusCode::CANCELLED);
  }
  {
    grpc::ClientContext context;
    SetTimeout(context, -absl::Seconds(1));
    EXPECT_EQ(of_stock_->Echo(&context, RequestOf("x"), &reply).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  }
  ExpectCounted("Echo", {{absl::StatusCode::kInvalidArgument, 1},
                         {absl::StatusCode::kCancelled, 1},
                         {absl::StatusCode::kDeadlineExceeded, 1}});
  EXPECT_EQ(sent_bytes(), 0u);
}

TEST_F(GrpcChannelStatsTest, AStubThatIsGoneWithItsCallsRunning) {
  auto channel = CreateGrpcChannel(counted_);
  auto stub = StockTest::NewStub(channel);
  channel.reset();
  grpc::ClientContext context;
  SetTimeout(context);
  BlockRequest request;
  request.set_gate("gate");
  EchoReply reply;
  grpc::Status status;
  grpc::CompletionQueue queue;
  auto call = stub->AsyncBlock(&context, request, &queue);
  call->Finish(&reply, &status, nullptr);
  ASSERT_TRUE(service_.AwaitArrivals("gate", 1));
  stub.reset();
  EXPECT_EQ(counted_->Stats().methods[0].in_flight, 1u);
  service_.Open("gate");
  Next(queue);
  EXPECT_TRUE(status.ok()) << status.error_message();
  ExpectCounted("Block", {{absl::StatusCode::kOk, 1}});
}

// gRPC's callbacks. A test's name has it, as ThreadSanitizer is not shown those.
using GrpcChannelCallbackStatsTest = GrpcChannelStatsTest;

TEST_F(GrpcChannelCallbackStatsTest, UnaryCalls) {
  grpc::ClientContext context;
  SetTimeout(context);
  const EchoRequest request = RequestOf("four");
  EchoReply reply;
  Event done;
  of_stock_->async()->Echo(&context, &request, &reply, [&](const grpc::Status& status) {
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(counted_->Stats().methods[0].in_flight, 0u);
    done.Happen();
  });
  ASSERT_TRUE(done.Await());
  ExpectCounted("Echo", {{absl::StatusCode::kOk, 1}});
  EXPECT_EQ(sent_bytes(), 6u);
  EXPECT_EQ(received_bytes(), 6u);
}

// Reads all that comes.
class CountReader final : public grpc::ClientReadReactor<EchoReply> {
 public:
  CountReader(StockTest::Stub& stub, grpc::ClientContext& context, const InflateRequest& request) {
    stub.async()->Count(&context, &request, this);
    StartRead(&reply_);
    StartCall();
  }
  Event done;
  grpc::Status status;

 private:
  void OnReadDone(bool ok) override {
    if (ok) StartRead(&reply_);
  }
  void OnDone(const grpc::Status& end) override {
    status = end;
    done.Happen();
  }
  EchoReply reply_;
};

TEST_F(GrpcChannelCallbackStatsTest, Streams) {
  grpc::ClientContext context;
  SetTimeout(context);
  InflateRequest request;
  request.set_messages(3);
  request.set_bytes(4);
  CountReader reader(*of_stock_, context, request);
  ASSERT_TRUE(reader.done.Await());
  EXPECT_TRUE(reader.status.ok()) << reader.status.error_message();
  ExpectCounted("Count", {{absl::StatusCode::kOk, 1}});
  EXPECT_EQ(received_bytes(), 3 * 6u);
}

}  // namespace
}  // namespace udsrpc::testing

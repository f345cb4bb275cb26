// What a call hands on: deadline and cancellation, to callbacks and to the calls that its handler makes.

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/integration/combinations.h"
#include "tests/support/event.h"

namespace udsrpc::testing {
namespace {

// Echo passes the call on to another server's Block, and Block waits to be cancelled.
class Relay final : public TestService {
 public:
  explicit Relay(TestStub next) : next_(std::move(next)) {}

  absl::Status Echo(ServerContext& context, const EchoRequest&, EchoReply& reply) override {
    const std::unique_ptr<ClientContext> nested = ClientContext::FromServerContext(context);
    nested_deadline = nested->deadline();
    nested->set_timeout(kPatience);
    BlockRequest request;
    request.set_gate("nested");
    absl::Status status = next_.Block(*nested, request, reply);
    nested_code = status.code();
    done.Happen();
    return status;
  }

  absl::Status Block(ServerContext& context, const BlockRequest&, EchoReply&) override {
    Event cancelled;
    int order = 0;
    context.AddCancelCallback([&] { first = ++order; });
    context.AddCancelCallback([&] {
      second = ++order;
      cancelled.Happen();
    });
    waiting.Happen();
    if (!cancelled.Await()) return absl::AbortedError("never cancelled");
    EXPECT_TRUE(context.IsCancelled());
    context.AddCancelCallback([&] { third = ++order; });
    EXPECT_EQ(third, 3) << "it runs at once";
    done.Happen();
    return absl::OkStatus();
  }

  Event waiting;
  Event done;
  absl::Time nested_deadline;
  absl::StatusCode nested_code = absl::StatusCode::kOk;
  int first = 0;
  int second = 0;
  int third = 0;

 private:
  const TestStub next_;
};

class ContextTest : public CombinationTest {
 protected:
  void SetUp() override {
    StartServer();
    relay_ = std::make_unique<Relay>(TestStub(MakeChannel()));
    const std::string target = target_ + "relay";
    ServerBuilder builder;
    builder.AddEndpoint(target, AllTransports()).RegisterService(relay_.get());
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    relay_server_ = *std::move(server);
    stub_ = std::make_unique<TestStub>(*CreateChannel(target, {.transport = GetParam().transport}));
  }

  void TearDown() override {
    relay_server_.reset();
    CombinationTest::TearDown();
  }

  std::unique_ptr<Relay> relay_;
  std::unique_ptr<Server> relay_server_;
  std::unique_ptr<TestStub> stub_;
  EchoReply reply_;
};

TEST_P(ContextTest, CancellationReachesTheCallsThatAHandlerMakes) {
  ClientContext context;
  absl::Status status;
  std::thread caller([&] { status = stub_->Echo(context, EchoRequest(), reply_); });
  EXPECT_TRUE(service_.AwaitArrivals("nested", 1));
  context.Cancel();
  caller.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(service_.AwaitCancelled("nested", 1));
  ASSERT_TRUE(relay_->done.Await());
  EXPECT_EQ(relay_->nested_code, absl::StatusCode::kCancelled);
}

TEST_P(ContextTest, TheDeadlineReachesTheCallsThatAHandlerMakes) {
  ClientContext context;
  const absl::Time deadline = absl::Now() + absl::Milliseconds(100);
  context.set_deadline(deadline);
  EXPECT_EQ(stub_->Echo(context, EchoRequest(), reply_).code(), absl::StatusCode::kDeadlineExceeded);
  ASSERT_TRUE(relay_->done.Await());
  EXPECT_LT(absl::AbsDuration(relay_->nested_deadline - deadline), absl::Milliseconds(50));
  EXPECT_NE(relay_->nested_code, absl::StatusCode::kOk);
  EXPECT_TRUE(service_.AwaitCancelled("nested", 1));
}

TEST_P(ContextTest, CallbacksRunInOrderWhenTheClientCancels) {
  ClientContext context;
  std::thread caller([&] { EXPECT_FALSE(stub_->Block(context, BlockRequest(), reply_).ok()); });
  EXPECT_TRUE(relay_->waiting.Await());
  context.Cancel();
  caller.join();
  ASSERT_TRUE(relay_->done.Await());
  EXPECT_EQ(relay_->first, 1);
  EXPECT_EQ(relay_->second, 2);
}

TEST_P(ContextTest, CallbacksRunAtTheDeadline) {
  ClientContext context;
  context.set_timeout(absl::Milliseconds(50));
  EXPECT_EQ(stub_->Block(context, BlockRequest(), reply_).code(), absl::StatusCode::kDeadlineExceeded);
  ASSERT_TRUE(relay_->done.Await());
  EXPECT_EQ(relay_->second, 2);
}

TEST_P(ContextTest, CallbacksRunAtTheServersEnd) {
  ClientContext context;
  std::thread caller([&] { EXPECT_FALSE(stub_->Block(context, BlockRequest(), reply_).ok()); });
  EXPECT_TRUE(relay_->waiting.Await());
  relay_server_.reset();
  caller.join();
  EXPECT_EQ(relay_->second, 2);
}

INSTANTIATE_TEST_SUITE_P(All, ContextTest, AllCombinations(), CombinationName);

}  // namespace
}  // namespace udsrpc::testing

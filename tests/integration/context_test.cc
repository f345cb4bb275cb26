// What a call hands on: deadline and cancellation, to callbacks and to the calls that its handler makes.

#include <map>
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

  // Passes it on, as a coroutine where metadata "coroutine" asks for one.
  absl::Status Look(ServerContext& context, const LookRequest& request, LookReply& reply) override {
    const std::unique_ptr<ClientContext> nested = ClientContext::FromServerContext(context);
    nested->set_timeout(kPatience);
    return next_.Look(*nested, request, reply);
  }
  Task<absl::Status> LookAsync(ServerContext& context, const LookRequest& request, LookReply& reply) override {
    if (!context.client_metadata().Get("coroutine").has_value()) return {};
    return LookOn(context, request, reply);
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
  Task<absl::Status> LookOn(ServerContext& context, const LookRequest& request, LookReply& reply) {
    const std::unique_ptr<ClientContext> nested = ClientContext::FromServerContext(context);
    nested->set_timeout(kPatience);
    absl::StatusOr<LookReply> looked = co_await next_.Async().Look(*nested, request);
    if (!looked.ok()) co_return looked.status();
    reply = *std::move(looked);
    co_return absl::OkStatus();
  }

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

TEST_P(ContextTest, TheTraceReachesTheCallsThatAHandlerMakes) {
  constexpr char kTrace[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  for (const bool coroutine : {false, true}) {
    ClientContext context;
    context.set_timeout(kPatience);
    ASSERT_TRUE(context.AddMetadata("traceparent", kTrace).ok());
    ASSERT_TRUE(context.AddMetadata("tracestate", "congo=t61rcWkgMzE").ok());
    ASSERT_TRUE(context.AddMetadata("private", "stays").ok());
    if (coroutine) {
      ASSERT_TRUE(context.AddMetadata("coroutine", "1").ok());
    }
    LookReply reply;
    const absl::Status status = stub_->Look(context, LookRequest(), reply);
    ASSERT_TRUE(status.ok()) << status;
    std::map<std::string, std::string> seen;
    for (const Pair& pair : reply.metadata()) seen.emplace(pair.key(), pair.value());
    EXPECT_EQ(seen["traceparent"], kTrace);
    EXPECT_EQ(seen["tracestate"], "congo=t61rcWkgMzE");
    EXPECT_EQ(seen.count("private"), 0u);
  }
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

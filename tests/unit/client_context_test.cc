#include "udsrpc/client_context.h"

#include <memory>
#include <thread>

#include "absl/time/clock.h"
#include "client/src/active_call.h"
#include "gtest/gtest.h"

namespace udsrpc {
namespace {

class CountingCall final : public ActiveCall {
 public:
  int cancels = 0;

 private:
  void OnCancel() override { ++cancels; }
};

TEST(ClientContext, ServesOneCall) {
  ClientContext context;
  EXPECT_TRUE(ActiveCall::Claim(context).ok());
  EXPECT_EQ(ActiveCall::Claim(context).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(ClientContext, CancelledBeforeTheCallKeepsItFromStarting) {
  ClientContext context;
  context.Cancel();
  EXPECT_EQ(ActiveCall::Claim(context).code(), absl::StatusCode::kCancelled);
}

TEST(ClientContext, TellsTheCallOfCancellationOnceAndOnlyWhileAttached) {
  ClientContext context;
  CountingCall call;
  call.Attach(context);
  context.Cancel();
  context.Cancel();
  EXPECT_EQ(call.cancels, 1);
  call.Detach(context);
  CountingCall late;
  late.Attach(context);
  EXPECT_EQ(late.cancels, 1);
  late.Detach(context);
}

TEST(ClientContext, ACancellationOfAnotherThreadIsHeardOnceOrComesTooLate) {
  for (int round = 0; round < 2000; ++round) {
    ClientContext context;
    ASSERT_TRUE(ActiveCall::Claim(context).ok());
    auto call = std::make_unique<CountingCall>();
    std::thread canceller([&] { context.Cancel(); });
    call->Attach(context);
    call->Detach(context);
    const int cancels = call->cancels;
    call.reset();  // nothing refers to it
    canceller.join();
    EXPECT_LE(cancels, 1);
    CountingCall next;
    next.Attach(context);
    EXPECT_EQ(next.cancels, 1) << "another attempt of a call that was cancelled";
    next.Detach(context);
  }
}

TEST(ClientContext, TheLastOfDeadlineAndTimeoutWins) {
  ClientContext context;
  EXPECT_EQ(context.deadline(), absl::InfiniteFuture());
  context.set_timeout(absl::Hours(1));
  EXPECT_GT(context.deadline(), absl::Now() + absl::Minutes(59));
  const absl::Time at = absl::Now() + absl::Seconds(1);
  context.set_deadline(at);
  EXPECT_EQ(context.deadline(), at);
  context.set_timeout(absl::Hours(1));
  EXPECT_GT(context.deadline(), absl::Now() + absl::Minutes(59));
}

TEST(ClientContext, RefusesMetadataThatGrpcForbids) {
  ClientContext context;
  EXPECT_EQ(context.AddMetadata("grpc-timeout", "1S").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(context.AddMetadata("k", "v").ok());
  EXPECT_EQ(context.metadata().size(), 1U);
}

// A call that is served, and that came with metadata.
class ServedCall final : public ParentCall {
 public:
  ServedCall() : ParentCall(metadata) {}
  Metadata metadata;
};

Metadata SentFor(const ServedCall& served, const Metadata& own = {}) {
  const std::unique_ptr<ClientContext> context = ClientContext::FromServerContext(served);
  for (const auto& [key, value] : own) EXPECT_TRUE(context->AddMetadata(key, value).ok());
  EXPECT_TRUE(ActiveCall::Claim(*context).ok());
  return context->metadata();
}

TEST(ClientContext, TakesTheTraceOfItsParentAlong) {
  ServedCall served;
  ASSERT_TRUE(served.metadata.Add("other", "x").ok());
  EXPECT_TRUE(SentFor(served).empty());
  ASSERT_TRUE(served.metadata.Add("tracestate", "a=1").ok());
  EXPECT_TRUE(SentFor(served).empty());  // of no trace
  ASSERT_TRUE(served.metadata.Add("traceparent", "00-1-2-01").ok());
  ASSERT_TRUE(served.metadata.Add("tracestate", "b=2").ok());
  Metadata trace;
  ASSERT_TRUE(trace.Add("tracestate", "a=1").ok());
  ASSERT_TRUE(trace.Add("traceparent", "00-1-2-01").ok());
  ASSERT_TRUE(trace.Add("tracestate", "b=2").ok());
  EXPECT_EQ(SentFor(served), trace);
}

TEST(ClientContext, ATraceOfItsOwnWins) {
  ServedCall served;
  ASSERT_TRUE(served.metadata.Add("traceparent", "00-1-2-01").ok());
  ASSERT_TRUE(served.metadata.Add("tracestate", "a=1").ok());
  Metadata own;
  ASSERT_TRUE(own.Add("traceparent", "00-1-3-01").ok());
  EXPECT_EQ(SentFor(served, own), own);
}

}  // namespace
}  // namespace udsrpc

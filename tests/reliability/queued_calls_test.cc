// Twenty thousand calls outstanding at once, or as many as UDSRPC_QUEUED_CALLS says: against a limit of calls, and
// against handlers that are all busy. Each ends with one status.

#include <unistd.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/integration/combinations.h"
#include "tests/reliability/process_figures.h"
#include "tests/support/event.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_service.h"

namespace udsrpc::testing {
namespace {

#ifdef UDSRPC_SANITIZED
constexpr int kCalls = 5000;
constexpr int kGrpcCalls = 500;
#else
constexpr int kCalls = 100'000;
constexpr int kGrpcCalls = 2000;
#endif
// For all of them to end, on a slow machine.
constexpr absl::Duration kAllCallsPatience = absl::Minutes(4);

// Calls of Block at one gate, and how each has ended.
class BlockCalls {
 public:
  explicit BlockCalls(int count) : calls_(static_cast<size_t>(count)) { request_.set_gate("gate"); }

  void Begin(const TestStub& stub) {
    for (Call& call : calls_) {
      stub.Async().Block(call.context, request_, call.reply, [this, &call](const absl::Status& status) {
        call.code = status.code();
        if (++call.ends != 1) ++wrong_;
        ++ended_;
      });
    }
  }

  // Waits until so many have ended.
  bool AwaitEnded(int count) const {
    const absl::Time give_up = absl::Now() + kAllCallsPatience;
    while (ended_ < count && absl::Now() < give_up) absl::SleepFor(absl::Milliseconds(2));
    return ended_ >= count;
  }
  int ended() const { return ended_; }
  int wrong() const { return wrong_; }

  // Once all have ended.
  int CountOf(absl::StatusCode code) const {
    int count = 0;
    for (const Call& call : calls_) count += call.code == code && call.ends == 1 ? 1 : 0;
    return count;
  }
  // Those that run last, so that none of the others begins meanwhile.
  void CancelAll() {
    for (auto call = calls_.rbegin(); call != calls_.rend(); ++call) call->context.Cancel();
  }

 private:
  struct Call {
    ClientContext context;
    EchoReply reply;
    absl::StatusCode code = absl::StatusCode::kUnknown;
    std::atomic<int> ends{0};
  };
  BlockRequest request_;
  std::vector<Call> calls_;
  std::atomic<int> ended_{0};
  std::atomic<int> wrong_{0};
};

// Its handlers wait until the test lets them through, or their calls are cancelled.
class HeldService final : public TestService {
 public:
  absl::Status Echo(ServerContext&, const EchoRequest& request, EchoReply& reply) override {
    reply.set_text(request.text());
    return absl::OkStatus();
  }
  absl::Status Block(ServerContext& context, const BlockRequest&, EchoReply&) override {
    arrivals.Happen();
    const absl::Time give_up = absl::Now() + kAllCallsPatience;
    while (!open && !context.IsCancelled() && absl::Now() < give_up) absl::SleepFor(absl::Milliseconds(1));
    return absl::OkStatus();
  }

  Event arrivals;
  std::atomic<bool> open{false};
};

class QueuedCallsTest : public ::testing::TestWithParam<Transport> {
 protected:
  void Serve(const UserLimits& limits) {
    ServerBuilder builder(ServerOptions{.max_handler_threads = 2, .user_limits_of = {{geteuid(), limits}}});
    builder.AddEndpoint(target_).RegisterService(&service_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    const auto channel = CreateChannel(target_, {.transport = GetParam()});
    ASSERT_TRUE(channel.ok()) << channel.status();
    stub_.emplace(*channel);
    ExpectEcho(*stub_, "before");
  }

  // Of which those that began with the first call are the server's and the client's alike.
  void RecordMemory(int64_t before, int calls) {
    const int64_t each = (StatusBytes("VmHWM") - before) / calls;
    RecordProperty("calls", calls);
    RecordProperty("peak_bytes_a_call", absl::StrCat(each));
#ifndef UDSRPC_SANITIZED
    EXPECT_LT(each, 32 << 10);
#endif
  }

  // gRPC takes some ten times as long for each.
  const int calls_ = FromEnvironment("UDSRPC_QUEUED_CALLS", GetParam() == Transport::kGrpc ? kGrpcCalls : kCalls);
  const TempDir dir_;
  const std::string target_ = absl::StrCat("unix:", dir_.File("s"));
  HeldService service_;
  std::unique_ptr<Server> server_;
  std::optional<TestStub> stub_;
};
INSTANTIATE_TEST_SUITE_P(All, QueuedCallsTest, OneByOne(), TransportTestName);

TEST_P(QueuedCallsTest, BeyondTheUsersLimitAreRefusedWhileTheOthersWait) {
  constexpr int kLimit = 64;
  Serve({.max_calls = kLimit});
  const int64_t resident = StatusBytes("VmRSS");
  BlockCalls calls(calls_);
  calls.Begin(*stub_);
  // The handlers are held, so what ends has been refused.
  ASSERT_TRUE(calls.AwaitEnded(calls_ - kLimit)) << calls.ended();
  if (GetParam() == Transport::kSeqpacket) {
    EXPECT_EQ(TryEcho(*stub_).code(), absl::StatusCode::kResourceExhausted);
  }
  RecordMemory(resident, calls_);
  service_.open = true;
  ASSERT_TRUE(calls.AwaitEnded(calls_)) << calls.ended();
  EXPECT_EQ(calls.wrong(), 0);
  const int ok = calls.CountOf(absl::StatusCode::kOk);
  const int refused = calls.CountOf(absl::StatusCode::kResourceExhausted);
  if (GetParam() == Transport::kSeqpacket) {
    EXPECT_EQ(ok, kLimit);
    EXPECT_EQ(refused, calls_ - kLimit);
  } else {  // which closes a connection with more than 256 beyond the limit, see UserLimits::max_calls
    EXPECT_GE(refused, 256);
    EXPECT_EQ(ok + refused + calls.CountOf(absl::StatusCode::kUnavailable), calls_);
  }
  EXPECT_TRUE(AnsweredWithin(*stub_, kPatience));
}

TEST_P(QueuedCallsTest, WaitForHandlersAndAllAreServed) {
  Serve({.max_connections = UserLimits::kUnlimited,
         .max_calls = UserLimits::kUnlimited,
         .max_bytes = UserLimits::kUnlimitedBytes});
  const int64_t resident = StatusBytes("VmRSS");
  BlockCalls calls(calls_);
  calls.Begin(*stub_);
  ASSERT_TRUE(service_.arrivals.Await(2));
  EXPECT_EQ(calls.ended(), 0);
  service_.open = true;
  ASSERT_TRUE(calls.AwaitEnded(calls_)) << calls.ended();
  RecordMemory(resident, calls_);
  EXPECT_EQ(calls.wrong(), 0);
  EXPECT_EQ(calls.CountOf(absl::StatusCode::kOk), calls_);
  ExpectEcho(*stub_, "after");
}

TEST_P(QueuedCallsTest, ThatAreCancelledWhileTheyWaitEndAtOnce) {
  Serve({.max_connections = UserLimits::kUnlimited,
         .max_calls = UserLimits::kUnlimited,
         .max_bytes = UserLimits::kUnlimitedBytes});
  BlockCalls calls(calls_);
  calls.Begin(*stub_);
  ASSERT_TRUE(service_.arrivals.Await(2));
  calls.CancelAll();
  ASSERT_TRUE(calls.AwaitEnded(calls_)) << calls.ended();
  EXPECT_EQ(calls.wrong(), 0);
  EXPECT_EQ(calls.CountOf(absl::StatusCode::kCancelled), calls_);
  // Those of which the server has not heard yet run now: a call has ended for its client before a word of it is sent.
  service_.open = true;
  EXPECT_TRUE(AnsweredWithin(*stub_, kPatience));
}

}  // namespace
}  // namespace udsrpc::testing

// A server that is there and serves nobody: a call that waits for ready goes on trying, and costs next to nothing.

#include <atomic>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "tests/conformance/client_conformance.h"
#include "udsrpc/channel.h"

namespace udsrpc::testing {
namespace {

constexpr absl::Duration kWait = absl::Milliseconds(400);

// Pauses of 5 ms that grow by 1.6 make some ten attempts in that time, and the first few are made without any.
constexpr int kAttempts = 40;

enum class Unkindness { kRefuses, kCloses };

class RefusingServer : public ::testing::TestWithParam<Unkindness> {
 protected:
  RefusingServer() {
    thread_ = std::thread([this] {
      while (!stopping_) {
        if (server_.NobodyWaits()) {
          absl::SleepFor(absl::Milliseconds(1));
          continue;
        }
        RawServerConnection client = server_.Accept();
        ++attempts_;
        if (GetParam() == Unkindness::kRefuses) Refuse(client);
      }
    });
  }
  ~RefusingServer() override {
    stopping_ = true;
    thread_.join();
  }

  void Refuse(RawServerConnection& client) {
    while (!stopping_) {
      if (!client.AnythingWithin(absl::Milliseconds(50))) continue;
      const std::optional<ReceivedFrame> frame = client.Receive();
      if (!frame.has_value()) return;
      if (frame->header.type != static_cast<uint8_t>(wire::FrameType::kCall)) continue;
      client.Send(Hello() + Refused(frame->header.call, absl::StatusCode::kUnavailable));
      return;
    }
  }

  void ExpectFewAttempts(const absl::Status& status) {
    // Where the connection ends behind a call that has been sent, that one may have run.
    if (GetParam() == Unkindness::kRefuses) {
      EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
      EXPECT_GE(attempts_.load(), 3);
    }
    EXPECT_LE(attempts_.load(), kAttempts);
  }

  TempDir dir_;
  const std::string target_ = "unix:" + dir_.File("s");
  RawServer server_{target_};
  std::atomic<bool> stopping_{false};
  std::atomic<int> attempts_{0};
  std::thread thread_;
  const TestStub stub_{*CreateChannel(target_, {.transport = Transport::kSeqpacket})};
};

INSTANTIATE_TEST_SUITE_P(That, RefusingServer, ::testing::Values(Unkindness::kRefuses, Unkindness::kCloses),
                         [](const ::testing::TestParamInfo<Unkindness>& info) {
                           return info.param == Unkindness::kRefuses ? "Refuses" : "Closes";
                         });

TEST_P(RefusingServer, IsTriedWithPausesByABlockingCall) {
  ClientContext context;
  context.set_timeout(kWait);
  context.set_wait_for_ready(true);
  EchoReply reply;
  ExpectFewAttempts(stub_.Echo(context, EchoRequest(), reply));
}

TEST_P(RefusingServer, IsTriedWithPausesByAnAsynchronousCall) {
  ClientContext context;
  context.set_timeout(kWait);
  context.set_wait_for_ready(true);
  EchoReply reply;
  const EchoRequest request;
  Event ended;
  absl::Status status;
  stub_.Async().Echo(context, request, reply, [&](absl::Status result) {
    status = result;
    ended.Happen();
  });
  ASSERT_TRUE(ended.Await());
  ExpectFewAttempts(status);
}

TEST_P(RefusingServer, IsLeftAtOnceByACallThatIsCancelled) {
  ClientContext context;
  context.set_timeout(absl::Seconds(20));
  context.set_wait_for_ready(true);
  const absl::Time start = absl::Now();
  std::thread canceller([&] {
    absl::SleepFor(kWait);
    context.Cancel();
  });
  EchoReply reply;
  const absl::Status status = stub_.Echo(context, EchoRequest(), reply);
  canceller.join();
  EXPECT_TRUE(status.code() == absl::StatusCode::kCancelled || GetParam() == Unkindness::kCloses) << status;
  EXPECT_LT(absl::Now() - start, absl::Seconds(10));
}

}  // namespace
}  // namespace udsrpc::testing

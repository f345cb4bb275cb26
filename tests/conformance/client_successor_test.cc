// Section 4.6: how a client leaves a server that has a successor.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "tests/conformance/client_conformance.h"

namespace udsrpc::testing {
namespace {

using wire::PingFrame;
using wire::SerializeFrame;

using S4_6_ClientsSuccessor = ClientConformance;

TEST_F(S4_6_ClientsSuccessor, APingBehindGoawayIsAnsweredBehindTheCalls) {
  constexpr int kCalls = 40;  // more than the socket takes
  std::vector<std::unique_ptr<ClientContext>> contexts;
  std::vector<EchoReply> replies(kCalls);
  EchoRequest request;
  request.set_text(std::string(40000, 'x'));
  Event ended;
  absl::Status statuses[kCalls];
  const auto call = [&](int i) {
    contexts.push_back(std::make_unique<ClientContext>());
    contexts.back()->set_timeout(kPatience);
    stub_->Async().Echo(*contexts.back(), request, replies[static_cast<size_t>(i)], [&, i](absl::Status status) {
      statuses[i] = std::move(status);
      ended.Happen();
    });
  };
  call(0);
  RawServerConnection client = Accept();
  ASSERT_TRUE(client.Send(Hello()));
  for (int i = 1; i < kCalls; ++i) call(i);
  ASSERT_TRUE(client.Send(Goaway(wire::GoawayReason::kShutdown, "successor") + SerializeFrame(PingFrame{.token = 42})));
  // For the client to read that while the calls wait for room. Without this the test would say nothing, and still pass.
  absl::SleepFor(absl::Milliseconds(100));
  int calls = 0;
  for (;;) {
    const std::optional<ReceivedFrame> frame = client.Receive();
    ASSERT_TRUE(frame.has_value());
    if (frame->header.type == static_cast<uint8_t>(wire::FrameType::kPing)) {
      EXPECT_EQ(*PingFrame::Parse(frame->raw()), (PingFrame{.ack = true, .token = 42}));
      break;
    }
    ASSERT_EQ(frame->header.type, static_cast<uint8_t>(wire::FrameType::kCall)) << frame->header.ToString();
    ASSERT_TRUE(client.Send(Ok(frame->header.call, "served")));
    ++calls;
  }
  // None comes behind it: calls that it had not opened by then, if any, go elsewhere.
  for (int left = kCalls - calls; left > 0;) {
    RawServerConnection next = Accept();
    ASSERT_TRUE(next.Send(Hello()));
    for (; left > 0; --left) {
      const auto again = ReceiveCall(next);
      ASSERT_TRUE(next.Send(Ok(again->id(), "served")));
    }
  }
  EXPECT_TRUE(ended.Await(kCalls));
  for (const absl::Status& status : statuses) EXPECT_EQ(status, absl::OkStatus());
  EXPECT_FALSE(client.Receive().has_value()) << "the client does not close";
  EXPECT_GT(calls, 1);
}

}  // namespace
}  // namespace udsrpc::testing

// Section 4.6, where another server takes over at the same address.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/src/wire/stream_frame.h"
#include "tests/conformance/server_conformance.h"

namespace udsrpc::testing {
namespace {

using wire::CallFrame;
using wire::PingFrame;
using wire::SerializeFrame;

class S4_6_Successor : public ServerConformance {
 protected:
  S4_6_Successor() {
    server_.reset();
    server_ = Serve();
    ExpectBystanderServed();
  }

  std::unique_ptr<Server> Serve() {
    ServerBuilder builder(options_);
    builder.AddEndpoint(target_, {.grpc = false}).RegisterService(&service_);
    builder.EnableTakeover(dir_.File("takeover"));
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    EXPECT_TRUE(server.ok()) << server.status();
    return server.ok() ? *std::move(server) : nullptr;
  }

  void TakeOver() {
    predecessor_ = std::move(server_);
    server_ = Serve();
  }

  // The next frames are GOAWAY and, behind it, a PING, whose token comes back.
  static uint64_t ExpectFarewell(RawClient& client) {
    const std::optional<ReceivedFrame> first = client.Receive();
    const std::optional<ReceivedFrame> second = client.Receive();
    if (!first.has_value() || !second.has_value()) {
      ADD_FAILURE() << "the connection ended";
      return 0;
    }
    const absl::StatusOr<wire::GoawayFrame> goaway = wire::GoawayFrame::Parse(first->raw());
    const absl::StatusOr<PingFrame> ping = PingFrame::Parse(second->raw());
    EXPECT_EQ(first->header.type, static_cast<uint8_t>(wire::FrameType::kGoaway));
    EXPECT_TRUE(goaway.ok() && goaway->reason == static_cast<uint32_t>(wire::GoawayReason::kShutdown));
    EXPECT_EQ(second->header.type, static_cast<uint8_t>(wire::FrameType::kPing));
    EXPECT_TRUE(ping.ok() && !ping->ack);
    return ping.ok() ? ping->token : 0;
  }

  static std::string OpenCollect(uint32_t call) {
    return SerializeFrame(CallFrame{.call = call, .path = "/udsrpc.testing.Test/Collect"});
  }

  std::unique_ptr<Server> predecessor_;
};

TEST_F(S4_6_Successor, CallsAreServedUntilThePingBehindItIsAnswered) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(OpenCollect(1)));
  ASSERT_TRUE(client.Send(RawClient::EchoCall(2, "before")));
  EXPECT_EQ(ExpectStatus(client, 2), absl::StatusCode::kOk);
  TakeOver();
  const uint64_t token = ExpectFarewell(client);
  for (uint32_t call = 2; call < 20; ++call) {
    ASSERT_TRUE(client.Send(RawClient::EchoCall(call, "after")));
    EXPECT_EQ(ExpectStatus(client, call), absl::StatusCode::kOk);
  }
  ASSERT_TRUE(client.Send(RawClient::EchoCall(2, "in one packet") +
                          SerializeFrame(PingFrame{.ack = true, .token = token}) +
                          RawClient::EchoCall(3, "against the rule")));
  // The refusal may come ahead of what a handler answers.
  for (int i = 0; i < 2; ++i) {
    const std::optional<ReceivedFrame> frame = client.Receive();
    ASSERT_TRUE(frame.has_value());
    const absl::StatusOr<wire::StatusFrame> status = wire::StatusFrame::Parse(frame->raw());
    ASSERT_TRUE(status.ok() && (status->call == 2 || status->call == 3)) << frame->header.ToString();
    EXPECT_EQ(status->refused, status->call == 3);
    EXPECT_EQ(status->code == 0, status->call == 2);
  }
  // What runs goes on to its end.
  ASSERT_TRUE(client.Send(SerializeFrame(wire::HalfCloseFrame{.call = 1})));
  EXPECT_EQ(ExpectStatus(client, 1), absl::StatusCode::kOk);
  EXPECT_TRUE(client.AtEnd());
  EXPECT_FALSE(client.Send(RawClient::EchoCall(1, "later still")));
  predecessor_->Shutdown(absl::InfinitePast());
  EXPECT_EQ(predecessor_->Wait(), Server::End::kTakenOver);
}

TEST_F(S4_6_Successor, ThereMayBeFramesBetween) {
  RawClient client = Connect();
  TakeOver();
  const uint64_t token = ExpectFarewell(client);
  ASSERT_TRUE(client.Send(SerializeFrame(PingFrame{.ack = true, .token = token + 1}) +  // answers nothing
                          SerializeFrame(PingFrame{.token = 7})));
  const std::optional<ReceivedFrame> pong = client.Receive();
  ASSERT_TRUE(pong.has_value());
  EXPECT_EQ(*PingFrame::Parse(pong->raw()), (PingFrame{.ack = true, .token = 7}));
  ASSERT_TRUE(client.Send(RawClient::EchoCall(1, "still")));
  EXPECT_EQ(ExpectStatus(client, 1), absl::StatusCode::kOk);
  ASSERT_TRUE(client.Send(SerializeFrame(PingFrame{.ack = true, .token = token})));
  EXPECT_TRUE(client.AtEnd());
  EXPECT_EQ(predecessor_->Wait(), Server::End::kTakenOver);  // with the last of its clients
}

TEST_F(S4_6_Successor, AClientThatHasNotSaidHelloIsToldBehindIt) {
  RawClient client(target_);
  Connect();  // by then it has been accepted
  TakeOver();
  // Its HELLO may yet come before the running server knows that it has a successor.
  ASSERT_TRUE(client.Send(RawClient::Hello() + RawClient::EchoCall(1, "at last")));
  ExpectHello(client);
  bool answered = false;
  std::vector<wire::FrameType> others;
  uint64_t token = 0;
  while (!answered || others.size() < 2) {
    const std::optional<ReceivedFrame> frame = client.Receive();
    ASSERT_TRUE(frame.has_value());
    const auto type = static_cast<wire::FrameType>(frame->header.type);
    if (type == wire::FrameType::kStatus) {
      answered = true;
      EXPECT_EQ(wire::StatusFrame::Parse(frame->raw())->code, 0U);
      continue;
    }
    others.push_back(type);
    if (type == wire::FrameType::kPing) token = PingFrame::Parse(frame->raw())->token;
  }
  EXPECT_THAT(others, ::testing::ElementsAre(wire::FrameType::kGoaway, wire::FrameType::kPing));
  ASSERT_TRUE(client.Send(SerializeFrame(PingFrame{.ack = true, .token = token})));
  EXPECT_TRUE(client.AtEnd());
  EXPECT_EQ(predecessor_->Wait(), Server::End::kTakenOver);
}

TEST_F(S4_6_Successor, AClientThatReadsNothingIsLeftAfterASecond) {
  RawClient silent = Connect();
  RawClient never_greeted(target_);
  Connect();
  TakeOver();
  ExpectBystanderServed();
  EXPECT_EQ(predecessor_->Wait(), Server::End::kTakenOver);
  EXPECT_FALSE(silent.Send(RawClient::EchoCall(1, "late")));
  EXPECT_FALSE(never_greeted.Send(RawClient::Hello()));
}

}  // namespace
}  // namespace udsrpc::testing

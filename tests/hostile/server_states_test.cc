// Every frame in every state in which a server can find a connection and a call: either it is taken, and the connection
// goes on, or it ends the connection, and nothing else.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/src/wire/limits.h"
#include "gtest/gtest.h"
#include "tests/hostile/frame_table.h"
#include "tests/support/raw_client.h"
#include "tests/support/stream_frames.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_service.h"
#include "udsrpc/channel.h"
#include "udsrpc/server.h"

namespace udsrpc::testing {
namespace {

using wire::FrameType;

constexpr uint64_t kProbe = 0x70726f6265;

std::string HoldCall(uint32_t call) {
  return wire::SerializeFrame(wire::CallFrame{.call = call, .path = "/udsrpc.testing.Test/Hold"});
}
std::string CallByNumber(uint32_t call, uint32_t method) {
  return wire::SerializeFrame(wire::CallFrame{.call = call, .method = method});
}
std::string CancelOf(uint32_t call) { return wire::SerializeFrame(wire::CancelFrame{.call = call, .code = 1}); }
std::string HalfCloseOf(uint32_t call) { return wire::SerializeFrame(wire::HalfCloseFrame{.call = call}); }

// What has been said before.
enum State {
  kNothing,
  kHello,
  kRequestAwaited,  // call 1, of a unary method, without its request
  kStream,          // call 1
  kWithinMessage,   // of call 1
  kHalfClosed,
  kEnded,  // call 1 has been cancelled, and its STATUS has come
  kGoodbye,
};
constexpr int kStates = 8;

std::string SaidBefore(int state) {
  const std::string hello = RawClient::Hello();
  switch (state) {
    case kNothing:
      return "";
    case kRequestAwaited:
      return hello + wire::SerializeFrame(wire::CallFrame{.call = 1, .path = "/udsrpc.testing.Test/Echo"});
    case kStream:
      return hello + HoldCall(1);
    case kWithinMessage:
      return hello + HoldCall(1) + First(1, 100, "part");
    case kHalfClosed:
      return hello + HoldCall(1) + HalfCloseOf(1);
    case kEnded:
      return hello + HoldCall(1) + CancelOf(1);
    case kGoodbye:
      return hello + HoldCall(1) + wire::SerializeFrame(wire::GoawayFrame{});
    default:
      return hello;
  }
}

// A letter a state: 'x', the connection ends; '.', it goes on.
std::vector<FrameRow> ServersTable() {
  return {
      {"HELLO", RawClient::Hello(), ".xxxxxxx"},
      {"GOAWAY", wire::SerializeFrame(wire::GoawayFrame{}), "x......."},
      {"PING", wire::SerializeFrame(wire::PingFrame{.token = 1}), "x......."},
      {"PING, ACK", wire::SerializeFrame(wire::PingFrame{.ack = true, .token = 1}), "x......."},
      {"PING of a call", WithCall(wire::SerializeFrame(wire::PingFrame{.token = 1}), 1), "xxxxxxxx"},
      {"CREDIT of the connection", Credit(0, 1), "x......."},
      {"CREDIT of call 1", Credit(1, 1), "x......."},
      {"CREDIT of nothing", Credit(1, 0), "xxxxxxxx"},
      {"CALL 1", HoldCall(1), "x.xxxx.x"},
      {"CALL 0", HoldCall(0), "xxxxxxxx"},
      {"CALL 2", RawClient::EchoCall(2, "hi"), "x......."},
      {"CALL 2 of a number that was not given", CallByNumber(2, 1), "xxxxxxxx"},
      {"MESSAGE", Message(1, Text("hi")), "x...xx.."},
      {"MESSAGE, first fragment", First(1, 100, "part"), "x...xx.."},
      {"MESSAGE, further fragment", More(1, ""), "x.xx.x.x"},
      {"MESSAGE of call 0", Message(0, Text("hi")), "xxxxxxxx"},
      {"MESSAGE with descriptors", wire::SerializeFrame(wire::MessageFrame{.call = 1, .fds = 1}), "xxxxxxxx"},
      {"HALF_CLOSE", HalfCloseOf(1), "x...xx.."},
      {"HALF_CLOSE of call 0", HalfCloseOf(0), "xxxxxxxx"},
      {"CANCEL", CancelOf(1), "x......."},
      {"CANCEL of call 0", CancelOf(0), "xxxxxxxx"},
      {"INITIAL", wire::SerializeFrame(wire::InitialFrame{.call = 1}), "xxxxxxxx"},
      {"STATUS", wire::SerializeFrame(wire::StatusFrame{.call = 1}), "xxxxxxxx"},
      {"of no type", OfType(0x7f), "xxxxxxxx"},
      {"of no type, ignorable", OfType(0xff), "x......."},
  };
}

class ServerStates : public ::testing::TestWithParam<FrameRow> {
 protected:
  ServerStates() {
    ServerBuilder builder;
    builder.AddEndpoint(target_, {.grpc = false}).RegisterService(&service_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    bystander_ = std::make_unique<TestStub>(*CreateChannel(target_, {.transport = Transport::kSeqpacket}));
  }

  // '.': the server answers behind the frame; 'x': it says goodbye for what was sent, and closes.
  static char WhatBecomesOf(RawClient& client) {
    for (;;) {
      const std::optional<ReceivedFrame> frame = client.Receive();
      if (!frame.has_value()) return '!';  // without a word
      const absl::StatusOr<wire::GoawayFrame> goaway = wire::GoawayFrame::Parse(frame->raw());
      if (frame->header.type == static_cast<uint8_t>(FrameType::kGoaway) && goaway.ok()) {
        EXPECT_EQ(goaway->reason, static_cast<uint32_t>(wire::GoawayReason::kProtocolError));
        EXPECT_TRUE(client.AtEnd());
        return 'x';
      }
      if (frame->header.type != static_cast<uint8_t>(FrameType::kPing)) continue;
      const absl::StatusOr<wire::PingFrame> ping = wire::PingFrame::Parse(frame->raw());
      if (ping.ok() && ping->token == kProbe) return '.';
    }
  }

  void ExpectBystanderServed() {
    ClientContext context;
    context.set_timeout(absl::Seconds(20));
    EchoReply reply;
    const absl::Status status = bystander_->Echo(context, Request("hi"), reply);
    EXPECT_TRUE(status.ok()) << status;
  }

  TempDir dir_;
  const std::string target_ = "unix:" + dir_.File("s");
  TestServiceImpl service_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<TestStub> bystander_;
};

INSTANTIATE_TEST_SUITE_P(Frame, ServerStates, ::testing::ValuesIn(ServersTable()), FrameRowName);

TEST_P(ServerStates, IsTakenOrEndsTheConnection) {
  ASSERT_EQ(GetParam().outcomes.size(), static_cast<size_t>(kStates));
  std::string seen;
  for (int state = 0; state < kStates; ++state) {
    SCOPED_TRACE(state);
    RawClient client(target_);
    const std::string before = SaidBefore(state);
    ASSERT_TRUE(before.empty() || client.Send(before));
    if (state == kEnded) {
      for (;;) {
        const std::optional<ReceivedFrame> frame = client.Receive();
        ASSERT_TRUE(frame.has_value());
        if (frame->header.type == static_cast<uint8_t>(FrameType::kStatus)) break;
      }
    }
    client.Send(GetParam().frame);
    client.Send(wire::SerializeFrame(wire::PingFrame{.token = kProbe}));  // which may find the connection closed
    seen += WhatBecomesOf(client);
    ExpectBystanderServed();
  }
  EXPECT_EQ(seen, GetParam().outcomes);
}

}  // namespace
}  // namespace udsrpc::testing

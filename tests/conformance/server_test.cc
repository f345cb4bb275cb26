// Holds the server to docs/PROTOCOL.md: each test is named after the section whose rules it checks, and speaks over a
// raw socket.

#include "udsrpc/server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/src/wire/limits.h"
#include "common/src/wire/metadata_block.h"
#include "gmock/gmock.h"
#include "google/protobuf/wrappers.pb.h"
#include "tests/conformance/server_conformance.h"
#include "tests/support/hex.h"
#include "tests/support/raw_client.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_service.h"
#include "udsrpc/channel.h"

namespace udsrpc::testing {
namespace {

using ::testing::HasSubstr;
using wire::CallFrame;
using wire::CancelFrame;
using wire::FrameType;
using wire::GoawayFrame;
using wire::HelloFrame;
using wire::PingFrame;
using wire::SerializeFrame;
using wire::StatusFrame;

// A call of the Block method.
std::string BlockCall(uint32_t call, const std::string& gate) {
  BlockRequest request;
  request.set_gate(gate);
  return SerializeFrame(
      CallFrame{.call = call, .half_close = true, .has_message = true, .path = "/udsrpc.testing.Test/Block"},
      request.SerializeAsString());
}

using S4_Frames = ServerConformance;

TEST_F(S4_Frames, AnyFirstPacketCutAnywhereIsRefused) {
  const std::string packet = RawClient::Hello() + RawClient::EchoCall(1, "hi");
  const size_t hello_bytes = RawClient::Hello().size();
  for (size_t cut = 1; cut < packet.size(); ++cut) {
    RawClient client(target_);
    ASSERT_TRUE(client.Send(absl::string_view(packet).substr(0, cut)));
    if (cut >= hello_bytes) ExpectHello(client);
    if (cut == hello_bytes) continue;
    ExpectGoaway(client, wire::GoawayReason::kProtocolError, "");
  }
}

TEST_F(S4_Frames, GarbageIsRefused) {
  for (const absl::string_view garbage :
       {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "x", "\xff\xff\xff\xff\xff\xff\xff\xff"}) {
    RawClient client(target_);
    ASSERT_TRUE(client.Send(garbage));
    ExpectGoaway(client, wire::GoawayReason::kProtocolError, "");
  }
  RawClient zeros(target_);
  ASSERT_TRUE(zeros.Send(std::string(1000, '\0')));
  ExpectGoaway(zeros, wire::GoawayReason::kProtocolError, "");
}

TEST_F(S4_Frames, APacketOverTheLimitIsRefused) {
  std::string packet =
      SerializeFrame(CallFrame{.call = 1, .half_close = true, .has_message = true, .path = "/udsrpc.testing.Test/Echo"},
                     std::string(wire::kMaxPacketBytes, 'x'));
  ExpectConnectionError(packet, "larger than the protocol allows");
}

TEST_F(S4_Frames, UnknownTypesAreIgnoredWhereTheyMayBe) {
  RawClient client = Connect();
  const std::string ignorable = FromHex("0e000000 ff 55 0100 07000000 aabb");
  ASSERT_TRUE(client.Send(ignorable + RawClient::EchoCall(1, "hi") + ignorable));
  EXPECT_EQ(ExpectStatus(client, 1), absl::StatusCode::kOk);
  ExpectConnectionError(FromHex("0c000000 7f 00 0000 00000000"), "type is unknown");
}

TEST_F(S4_Frames, OnlyTheServerSendsStatus) {
  ExpectConnectionError(SerializeFrame(StatusFrame{.call = 1, .has_message = true}), "only a server");
}

using S4_1_Hello = ServerConformance;

TEST_F(S4_1_Hello, ComesFirstAndOnce) {
  RawClient client(target_);
  ASSERT_TRUE(client.Send(RawClient::EchoCall(1, "hi")));
  ExpectGoaway(client, wire::GoawayReason::kProtocolError, "before HELLO");
  ExpectConnectionError(RawClient::Hello(), "twice");
}

TEST_F(S4_1_Hello, CallsMayFollowInTheSamePacket) {
  RawClient client(target_);
  ASSERT_TRUE(client.Send(RawClient::Hello() + RawClient::EchoCall(1, "a") + RawClient::EchoCall(2, "b")));
  ExpectHello(client);
  EXPECT_EQ(ExpectStatus(client, 1), absl::StatusCode::kOk);
  EXPECT_EQ(ExpectStatus(client, 2), absl::StatusCode::kOk);
}

TEST_F(S4_1_Hello, SaysTheServersLimits) {
  RawClient client(target_);
  ASSERT_TRUE(client.Send(RawClient::Hello()));
  const std::optional<ReceivedFrame> frame = client.Receive();
  ASSERT_TRUE(frame.has_value());
  const absl::StatusOr<HelloFrame> hello = HelloFrame::Parse(frame->raw());
  ASSERT_TRUE(hello.ok()) << hello.status();
  EXPECT_EQ(*hello, (HelloFrame{.version = 1,
                                .min_version = 1,
                                .features = 0,
                                .max_calls = 16384,
                                .max_metadata = 8192,
                                .max_message = 10000}));
}

TEST_F(S4_1_Hello, OfALaterVersionIsAnsweredWithTheServersAndGoaway) {
  RawClient client(target_);
  const std::string later = SerializeFrame(HelloFrame{.version = 2, .min_version = 1, .max_message = 1});
  ASSERT_TRUE(client.Send(later + "frames of version 2 that cannot be read"));
  ExpectHello(client);
  ExpectGoaway(client, wire::GoawayReason::kVersion, "version 2");
}

using S4_2_Call = ServerConformance;

TEST_F(S4_2_Call, MethodsAreNumberedByTheirFirstUse) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(SerializeFrame(CallFrame{
      .call = 1, .method = 1, .half_close = true, .has_message = true, .path = "/udsrpc.testing.Test/Echo"})));
  EXPECT_EQ(ExpectStatus(client, 1), absl::StatusCode::kOk);
  ASSERT_TRUE(client.Send(SerializeFrame(
      CallFrame{.call = 1, .method = 2, .half_close = true, .has_message = true, .path = "/no.such/Method"})));
  EXPECT_EQ(ExpectStatus(client, 1), absl::StatusCode::kUnimplemented);
  for (const auto& [method, code] :
       {std::pair(1U, absl::StatusCode::kOk), std::pair(2U, absl::StatusCode::kUnimplemented)}) {
    ASSERT_TRUE(
        client.Send(SerializeFrame(CallFrame{.call = 1, .method = method, .half_close = true, .has_message = true})));
    EXPECT_EQ(ExpectStatus(client, 1), code);
  }
}

TEST_F(S4_2_Call, NumbersOutOfOrderAreRefused) {
  ExpectConnectionError(
      SerializeFrame(CallFrame{.call = 1, .method = 2, .half_close = true, .has_message = true, .path = "/a.b/C"}),
      "not the next one");
  ExpectConnectionError(SerializeFrame(CallFrame{.call = 1, .method = 1, .half_close = true, .has_message = true}),
                        "never given");
  ExpectConnectionError(SerializeFrame(CallFrame{.call = 1, .method = ~0U, .half_close = true, .has_message = true}),
                        "never given");
}

TEST_F(S4_2_Call, NumbersEndAtTheirLimitAndPathsDoNot) {
  RawClient client = Connect();
  for (uint32_t number = 1; number <= wire::kMaxMethodNumbers; ++number) {
    ASSERT_TRUE(client.Send(SerializeFrame(
        CallFrame{.call = 1, .method = number, .half_close = true, .has_message = true, .path = "/no.such/Method"})));
    ASSERT_EQ(ExpectStatus(client, 1), absl::StatusCode::kUnimplemented);
  }
  ASSERT_TRUE(client.Send(RawClient::EchoCall(1, "by path")));
  EXPECT_EQ(ExpectStatus(client, 1), absl::StatusCode::kOk);
  ASSERT_TRUE(client.Send(SerializeFrame(CallFrame{.call = 1,
                                                   .method = wire::kMaxMethodNumbers + 1,
                                                   .half_close = true,
                                                   .has_message = true,
                                                   .path = "/no.such/Method"})));
  ExpectGoaway(client, wire::GoawayReason::kProtocolError, "over the limit");
}

TEST_F(S4_2_Call, ANumberInUseIsRefused) {
  ExpectConnectionError(BlockCall(7, "in use") + BlockCall(7, "in use"), "is open");
  EXPECT_TRUE(service_.AwaitArrivals("in use", 0));
}

TEST_F(S4_2_Call, ATimeoutOfZeroHasPassed) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(SerializeFrame(CallFrame{
      .call = 1, .half_close = true, .has_message = true, .timeout_us = 0, .path = "/udsrpc.testing.Test/Echo"})));
  EXPECT_EQ(ExpectStatus(client, 1), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(service_.echoes(), 1) << "the bystander's alone";
}

TEST_F(S4_2_Call, ATimeoutOfTheLargestNumberIsNone) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(SerializeFrame(CallFrame{
      .call = 1, .half_close = true, .has_message = true, .timeout_us = ~0ULL, .path = "/udsrpc.testing.Test/Echo"})));
  EXPECT_EQ(ExpectStatus(client, 1), absl::StatusCode::kOk);
}

TEST_F(S4_2_Call, OfAUnaryMethodWithoutARequestIsInternal) {
  RawClient client = Connect();
  ASSERT_TRUE(
      client.Send(SerializeFrame(CallFrame{.call = 1, .half_close = true, .path = "/udsrpc.testing.Test/Echo"})));
  EXPECT_EQ(ExpectStatus(client, 1), absl::StatusCode::kInternal);
  ASSERT_TRUE(client.Send(RawClient::EchoCall(1, "unary")));
  EXPECT_EQ(ExpectStatus(client, 1), absl::StatusCode::kOk);
}

using S4_4_Cancel = ServerConformance;

TEST_F(S4_4_Cancel, IsHeardByTheHandlerAndAnsweredWithAStatus) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(BlockCall(3, "gate")));
  ASSERT_TRUE(service_.AwaitArrivals("gate", 1));
  ASSERT_TRUE(client.Send(SerializeFrame(CancelFrame{.call = 3, .code = 1})));
  EXPECT_TRUE(service_.AwaitCancelled("gate", 1));
  EXPECT_EQ(ExpectStatus(client, 3), absl::StatusCode::kCancelled);
  // The number is free again.
  ASSERT_TRUE(client.Send(RawClient::EchoCall(3, "hi")));
  EXPECT_EQ(ExpectStatus(client, 3), absl::StatusCode::kOk);
}

TEST_F(S4_4_Cancel, OfACallThatIsNotOpenIsIgnored) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(SerializeFrame(CancelFrame{.call = 99, .code = 1}) + RawClient::EchoCall(1, "hi")));
  EXPECT_EQ(ExpectStatus(client, 1), absl::StatusCode::kOk);
}

using S4_5_Ping = ServerConformance;

TEST_F(S4_5_Ping, IsAnsweredWithItsToken) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(SerializeFrame(PingFrame{.ack = true, .token = 1}) + SerializeFrame(PingFrame{.token = 42})));
  const std::optional<ReceivedFrame> frame = client.Receive();
  ASSERT_TRUE(frame.has_value());
  const absl::StatusOr<PingFrame> pong = PingFrame::Parse(frame->raw());
  ASSERT_TRUE(pong.ok()) << pong.status();
  EXPECT_EQ(*pong, (PingFrame{.ack = true, .token = 42}));
}

using S4_6_Goaway = ServerConformance;

TEST_F(S4_6_Goaway, ShutdownAnswersRunningCallsAndRefusesOthers) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(BlockCall(1, "running")));
  ASSERT_TRUE(service_.AwaitArrivals("running", 1));
  std::thread shutdown([this] { server_->Shutdown(); });
  const std::optional<ReceivedFrame> frame = client.Receive();
  ASSERT_TRUE(frame.has_value());
  const absl::StatusOr<GoawayFrame> goaway = GoawayFrame::Parse(frame->raw());
  ASSERT_TRUE(goaway.ok()) << frame->header.ToString();
  EXPECT_EQ(goaway->reason, static_cast<uint32_t>(wire::GoawayReason::kShutdown));
  for (uint32_t call = 2; call < 100; ++call) {
    ASSERT_TRUE(client.Send(RawClient::EchoCall(call, "late")));
    EXPECT_EQ(ExpectStatus(client, call, /*refused=*/true), absl::StatusCode::kUnavailable);
  }
  service_.Open("running");
  EXPECT_EQ(ExpectStatus(client, 1), absl::StatusCode::kOk);
  EXPECT_TRUE(client.AtEnd());
  EXPECT_FALSE(client.Send(RawClient::EchoCall(1, "later still")));
  shutdown.join();
  server_ = nullptr;
  StartServer();  // for the bystander, whose channel connects again
}

using S5_Metadata = ServerConformance;

TEST_F(S5_Metadata, ThatBreaksTheRulesIsRefused) {
  for (const absl::string_view block :
       {"0000 0000", "0100 20 0000", "0600 677270632d78 0000", "0100 6b 0100 0a", "ff"}) {
    ExpectConnectionError(SerializeFrame(CallFrame{.call = 1,
                                                   .half_close = true,
                                                   .has_message = true,
                                                   .path = "/udsrpc.testing.Test/Echo",
                                                   .metadata = FromHex(block)}),
                          "metadata");
  }
}

TEST_F(S5_Metadata, OverTheLimitIsACallError) {
  RawClient client = Connect();
  Metadata metadata;
  ASSERT_TRUE(metadata.Add("k", std::string(8192, 'v')).ok());
  std::string block;
  ASSERT_TRUE(wire::SerializeMetadata(metadata, block).ok());
  ASSERT_TRUE(client.Send(SerializeFrame(CallFrame{
      .call = 1, .half_close = true, .has_message = true, .path = "/udsrpc.testing.Test/Echo", .metadata = block})));
  EXPECT_EQ(ExpectStatus(client, 1), absl::StatusCode::kResourceExhausted);
}

class S8_Limits : public ServerConformance {
 protected:
  // Handlers that block at a gate look whether they are wanted, a thousand of them too often for ThreadSanitizer.
  S8_Limits() : ServerConformance({.max_receive_message_bytes = 10000, .max_handler_threads = 64}) {}
};

TEST_F(S8_Limits, AMessageOverTheServersIsACallError) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(RawClient::EchoCall(1, std::string(10000, 'x'))));
  EXPECT_EQ(ExpectStatus(client, 1), absl::StatusCode::kResourceExhausted);
}

TEST_F(S8_Limits, CallsBeyondMaxCallsAreRefusedAndTheRestAnswered) {
  RawClient client = Connect();
  // Some run into the gate, and the others wait behind them. All count as open.
  constexpr uint32_t kMaxCalls = 16384;
  constexpr uint32_t kBeyond = 10;
  std::string packet;
  std::thread sender([&] {
    for (uint32_t call = 1; call <= kMaxCalls + kBeyond; ++call) {
      const std::string frame = BlockCall(call, "full");
      if (packet.size() + frame.size() > wire::kMaxPacketBytes) {
        EXPECT_TRUE(client.Send(packet));
        packet.clear();
      }
      packet += frame;
    }
    EXPECT_TRUE(client.Send(packet));
  });
  uint32_t refused = 0;
  uint32_t answered = 0;
  while (refused + answered < kMaxCalls + kBeyond) {
    const std::optional<ReceivedFrame> frame = client.Receive();
    ASSERT_TRUE(frame.has_value());
    const absl::StatusOr<StatusFrame> status = StatusFrame::Parse(frame->raw());
    ASSERT_TRUE(status.ok()) << status.status();
    if (status->refused) {
      ++refused;
      EXPECT_EQ(status->code, static_cast<uint32_t>(absl::StatusCode::kResourceExhausted));
      if (refused == kBeyond) service_.Open("full");
    } else {
      ++answered;
    }
  }
  sender.join();
  EXPECT_EQ(refused, kBeyond);
}

using S10_AnExchangeInBytes = ServerConformance;

TEST_F(S10_AnExchangeInBytes, IsWhatTheServerSpeaks) {
  ServerBuilder builder;  // with the default limits
  const std::string target = absl::StrCat("unix:", dir_.File("example"));
  builder.AddEndpoint(target, {.grpc = false}).RegisterService(&example_);
  const absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  ASSERT_TRUE(server.ok()) << server.status();
  RawClient client(target);
  ASSERT_TRUE(client.Send(FromHex(R"(
      2c000000 01 00 2000 00000000  5544535250430d0a 0100 0100 00000000 00000000 00200000 0000400000000000
      25000000 10 0f 1400 01000000  01000000 40420f0000000000 0600 2f702e532f4d 0a03616263)")));
  const std::string expected = FromHex(R"(
      2c000000 01 00 2000 00000000  5544535250430d0a 0100 0100 00000000 00400000 00200000 0000400000000000
      10000000 21 01 0000 01000000  0a026465)");
  char packet[1000];
  timeval patience{.tv_sec = 20, .tv_usec = 0};
  ASSERT_EQ(setsockopt(client.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
  ASSERT_EQ(fcntl(client.fd(), F_SETFL, 0), 0);
  const ssize_t size = recv(client.fd(), packet, sizeof(packet), 0);
  ASSERT_GT(size, 0);
  EXPECT_EQ(ToHex(absl::string_view(packet, static_cast<size_t>(size))), ToHex(expected));
}

}  // namespace
}  // namespace udsrpc::testing

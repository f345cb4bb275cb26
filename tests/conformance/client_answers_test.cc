// Holds the client to docs/PROTOCOL.md, as client_test.cc does. Here: sections 4.3 to 10, how calls end.

#include <sys/socket.h>

#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/src/wire/limits.h"
#include "common/src/wire/metadata_block.h"
#include "common/src/wire/stream_frame.h"
#include "gmock/gmock.h"
#include "google/protobuf/wrappers.pb.h"
#include "tests/conformance/client_conformance.h"
#include "tests/support/event.h"
#include "tests/support/hex.h"
#include "tests/support/raw_server.h"

namespace udsrpc::testing {
namespace {

using ::testing::HasSubstr;
using wire::GoawayFrame;
using wire::GoawayReason;
using wire::PingFrame;
using wire::SerializeFrame;
using wire::StatusFrame;

using ClientS4_3_Status = ClientConformance;

TEST_F(ClientS4_3_Status, ErrorsReachTheCallerAsTheyAre) {
  ExpectCallError(
      SerializeFrame(StatusFrame{.call = 1, .code = 9, .status_message = "not now", .details = "\xff opaque"}),
      absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ended_.message(), "not now");
  EXPECT_EQ(ended_.GetPayload("udsrpc/grpc-status-details-bin"), absl::Cord("\xff opaque"));
}

TEST_F(ClientS4_3_Status, CodesBeyondTheLastAreUnknown) {
  for (const uint32_t code : {17U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
    ExpectCallError(SerializeFrame(StatusFrame{.call = 1, .code = code, .status_message = "?"}),
                    absl::StatusCode::kUnknown);
  }
  ExpectCallError(SerializeFrame(StatusFrame{.call = 1, .code = 16}), absl::StatusCode::kUnauthenticated);
}

TEST_F(ClientS4_3_Status, AnErrorWithTheCodeOfOkIsRefused) {
  ExpectConnectionError(Hello() + FromHex("14000000 21 02 0800 01000000 00000000 0000 0000"), "cannot be 0");
}

TEST_F(ClientS4_3_Status, OkWithoutAMessageIsUnimplemented) {
  ExpectCallError(SerializeFrame(StatusFrame{.call = 1}), absl::StatusCode::kUnimplemented);
}

TEST_F(ClientS4_3_Status, BytesThatAreNoReplyAreInternal) {
  ExpectCallError(SerializeFrame(StatusFrame{.call = 1, .has_message = true}, "\xff\xff\xff"),
                  absl::StatusCode::kInternal);
}

TEST_F(ClientS4_3_Status, OfACallThatIsNotOpenIsRefused) {
  ExpectConnectionError(Hello() + Ok(2, "hi"), "no such call");
  ExpectConnectionError(Hello() + Ok(~0U, "hi"), "no such call");
  ExpectConnectionError(Hello() + SerializeFrame(StatusFrame{.call = 0, .has_message = true}), "needs a call");
}

TEST_F(ClientS4_3_Status, ThatComesTwiceIsRefusedAndTheFirstCounts) {
  Echo echo(*stub_, "hi");
  RawServerConnection client = Accept();
  const auto call = ReceiveCall(client);
  ASSERT_TRUE(client.Send(Hello() + Ok(call->id(), "first") + Ok(call->id(), "second")));
  EXPECT_EQ(echo.Reply(), "first");
  ExpectServedOnANewConnection();
  ExpectGoaway(client, "no such call");
}

TEST_F(ClientS4_3_Status, RefusedIsMadeAgainOnAnotherConnection) {
  Echo echo(*stub_, "hi");
  RawServerConnection first = Accept();
  ASSERT_TRUE(first.Send(Hello() + Refused(ReceiveCall(first)->id(), absl::StatusCode::kUnavailable)));
  RawServerConnection second = Accept();
  const auto call = ReceiveCall(second);
  EXPECT_EQ(call->text(), "hi");
  ASSERT_TRUE(second.Send(Hello() + Ok(call->id(), "ho")));
  EXPECT_EQ(echo.Reply(), "ho");
  EXPECT_FALSE(first.Receive().has_value()) << "the first connection is closed";
}

TEST_F(ClientS4_3_Status, RefusedThreeTimesIsUnavailable) {
  Echo echo(*stub_, "hi");
  for (int i = 0; i < 3; ++i) {
    RawServerConnection client = Accept();
    ASSERT_TRUE(client.Send(Hello() + Refused(ReceiveCall(client)->id(), absl::StatusCode::kUnavailable)));
    EXPECT_FALSE(client.Receive().has_value());
  }
  const absl::Status status = echo.Wait();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(), "refused by the test");
  ExpectServedOnANewConnection();
}

TEST_F(ClientS4_3_Status, RefusedWithAnotherCodeIsNotMadeAgain) {
  ExpectCallError(Refused(1, absl::StatusCode::kResourceExhausted), absl::StatusCode::kResourceExhausted);
}

using ClientS4_4_Cancel = ClientConformance;

TEST_F(ClientS4_4_Cancel, IsSentAtTheDeadlineAndTheLateStatusDropped) {
  Echo echo(*stub_, "hi", absl::Milliseconds(20));
  RawServerConnection client = Accept();
  const auto call = ReceiveCall(client);
  ASSERT_TRUE(client.Send(Hello()));
  EXPECT_EQ(echo.Wait().code(), absl::StatusCode::kDeadlineExceeded);
  ExpectCancel(client, call->id(), absl::StatusCode::kDeadlineExceeded);
  ASSERT_TRUE(client.Send(Ok(call->id(), "late")));
  ExpectServedOn(client);
}

TEST_F(ClientS4_4_Cancel, OneOfTwoCallsLeavesTheOther) {
  Echo stays(*stub_, "stays");
  RawServerConnection client = Accept();
  const auto call = ReceiveCall(client);
  for (const bool reader_is_cancelled : {false, true}) {
    SCOPED_TRACE(reader_is_cancelled);
    Echo leaves(*stub_, "leaves");
    const auto left = ReceiveCall(client);
    leaves.context().Cancel();
    EXPECT_EQ(leaves.Wait().code(), absl::StatusCode::kCancelled);
    ExpectCancel(client, left->id(), absl::StatusCode::kCancelled);
  }
  ASSERT_TRUE(client.Send(Hello() + Ok(call->id(), "stayed")));
  EXPECT_EQ(stays.Reply(), "stayed");
}

TEST_F(ClientS4_4_Cancel, OfTheOneThatReadsHandsTheReadingOn) {
  auto reads = std::make_unique<Echo>(*stub_, "reads");
  RawServerConnection client = Accept();
  const auto first = ReceiveCall(client);
  Echo follows(*stub_, "follows");
  const auto second = ReceiveCall(client);
  reads->context().Cancel();
  EXPECT_EQ(reads->Wait().code(), absl::StatusCode::kCancelled);
  ExpectCancel(client, first->id(), absl::StatusCode::kCancelled);
  ASSERT_TRUE(client.Send(Hello() + Ok(second->id(), "read")));
  EXPECT_EQ(follows.Reply(), "read");
}

TEST_F(ClientS4_4_Cancel, TheStatusOfACancelledCallComesOnceToo) {
  Echo echo(*stub_, "hi");
  RawServerConnection client = Accept();
  const auto call = ReceiveCall(client);
  ASSERT_TRUE(client.Send(Hello()));
  echo.context().Cancel();
  EXPECT_EQ(echo.Wait().code(), absl::StatusCode::kCancelled);
  ExpectCancel(client, call->id(), absl::StatusCode::kCancelled);
  ASSERT_TRUE(client.Send(Ok(call->id(), "late") + Ok(call->id(), "later")));
  Echo next(*stub_, "next");
  ReceiveCall(client);
  EXPECT_EQ(next.Wait().code(), absl::StatusCode::kUnavailable);
  ExpectGoaway(client, "no such call");
}

using ClientS4_5_Ping = ClientConformance;

TEST_F(ClientS4_5_Ping, IsSentToASilentServerThatIsGivenUpWhereItSaysNothing) {
  stub_ = NewStub({.keepalive_time = absl::Milliseconds(20), .keepalive_timeout = absl::Milliseconds(300)});
  Echo echo(*stub_, "hi");
  RawServerConnection client = Accept();
  ReceiveCall(client);
  ASSERT_TRUE(client.Send(Hello()));
  for (int i = 0; i < 3; ++i) {
    const std::optional<ReceivedFrame> frame = client.Receive();
    ASSERT_TRUE(frame.has_value());
    const absl::StatusOr<PingFrame> ping = PingFrame::Parse(frame->raw());
    ASSERT_TRUE(ping.ok()) << ping.status();
    EXPECT_FALSE(ping->ack);
    if (i == 2) break;  // this one is not answered
    ASSERT_TRUE(client.Send(SerializeFrame(PingFrame{.ack = true, .token = ping->token})));
  }
  const absl::Status status = echo.Wait();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(status.message().find("does it hang"), absl::string_view::npos) << status;
  EXPECT_FALSE(client.Receive().has_value());
  ExpectServedOnANewConnection();
}

TEST_F(ClientS4_5_Ping, IsAnsweredWithItsToken) {
  Echo echo(*stub_, "hi");
  RawServerConnection client = Accept();
  const auto call = ReceiveCall(client);
  ASSERT_TRUE(client.Send(Hello() + SerializeFrame(PingFrame{.ack = true, .token = 1}) +
                          SerializeFrame(PingFrame{.token = 42})));
  const std::optional<ReceivedFrame> frame = client.Receive();
  ASSERT_TRUE(frame.has_value());
  const absl::StatusOr<PingFrame> pong = PingFrame::Parse(frame->raw());
  ASSERT_TRUE(pong.ok()) << pong.status();
  EXPECT_EQ(*pong, (PingFrame{.ack = true, .token = 42}));
  ASSERT_TRUE(client.Send(Ok(call->id(), "ho")));
  EXPECT_EQ(echo.Reply(), "ho");
  ExpectServedOn(client);
}

using ClientS4_6_Goaway = ClientConformance;

TEST_F(ClientS4_6_Goaway, LetsCallsInFlightEndAndSendsNewOnesElsewhere) {
  Echo echo(*stub_, "hi");
  RawServerConnection client = Accept();
  const auto call = ReceiveCall(client);
  // The pong shows that the client has read the GOAWAY in front of it.
  ASSERT_TRUE(client.Send(Hello() + Goaway(GoawayReason::kShutdown, "drain") + SerializeFrame(PingFrame{.token = 1})));
  ASSERT_TRUE(client.Receive().has_value());
  ExpectServedOnANewConnection();
  ASSERT_TRUE(client.Send(Ok(call->id(), "ho")));
  EXPECT_EQ(echo.Reply(), "ho");
}

TEST_F(ClientS4_6_Goaway, MayComeBeforeHelloAndForAnyReason) {
  for (const uint32_t reason : {0U, 2U, 77U}) {
    SCOPED_TRACE(reason);
    stub_ = NewStub({});
    Echo echo(*stub_, "hi");
    RawServerConnection client = Accept();
    ReceiveCall(client);
    ASSERT_TRUE(client.Send(SerializeFrame(GoawayFrame{.reason = reason}, "so long")));
    client.Close();
    const absl::Status status = echo.Wait();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("so long"));
    ExpectServedOnANewConnection();
  }
}

TEST_F(ClientS4_6_Goaway, BeyondItsTextIsCut) {
  Echo echo(*stub_, "hi");
  RawServerConnection client = Accept();
  ReceiveCall(client);
  ASSERT_TRUE(
      client.Send(Goaway(GoawayReason::kShutdown, std::string(wire::kMaxReasonBytes, 'x') + std::string(50000, 'y'))));
  client.Close();
  EXPECT_THAT(std::string(echo.Wait().message()), ::testing::EndsWith("x"));
}

TEST_F(ClientS4_6_Goaway, ThatTheClientFindsAtItsNextCallCostsTheUserNothing) {
  Echo echo(*stub_, "hi");
  RawServerConnection client = Accept();
  ASSERT_TRUE(client.Send(Hello() + Ok(ReceiveCall(client)->id(), "ho")));
  EXPECT_EQ(echo.Reply(), "ho");
  ASSERT_TRUE(client.Send(Goaway(GoawayReason::kShutdown, "unread")));
  client.Close();
  ExpectServedOnANewConnection();
}

using ClientS5_Metadata = ClientConformance;

TEST_F(ClientS5_Metadata, TravelsBothWays) {
  ClientContext context;
  context.set_timeout(kPatience);
  ASSERT_TRUE(context.AddMetadata("k", "v").ok());
  ASSERT_TRUE(context.AddMetadata("b-bin", absl::string_view("\0\xff", 2)).ok());
  absl::Status status;
  EchoReply reply;
  std::thread caller([&] { status = stub_->Echo(context, EchoRequest(), reply); });
  RawServerConnection client = Accept();
  const auto call = ReceiveCall(client);
  EXPECT_EQ(ToHex(call->frame.metadata), ToHex(FromHex("0100 6b 0100 76  0500 622d62696e 0200 00ff")));
  EXPECT_TRUE(client.Send(Hello() + SerializeFrame(StatusFrame{.call = call->id(),
                                                               .has_message = true,
                                                               .initial_metadata = FromHex("0100 69 0100 31"),
                                                               .trailing_metadata = FromHex("0100 74 0100 32")})));
  caller.join();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(context.server_initial_metadata().Get("i"), absl::string_view("1"));
  EXPECT_EQ(context.server_trailing_metadata().Get("t"), absl::string_view("2"));
  EXPECT_EQ(context.server_initial_metadata().size() + context.server_trailing_metadata().size(), 2U);
}

TEST_F(ClientS5_Metadata, ThatBreaksTheRulesIsRefused) {
  for (const absl::string_view hex : {"0000 0000", "0100 20 0000", "0600 677270632d78 0000", "0200 7465 0000",
                                      "0100 6b 0100 0a", "ff", "0100 6b 0200 76"}) {
    const std::string block = FromHex(hex);
    ExpectConnectionError(
        Hello() + SerializeFrame(StatusFrame{.call = 1, .has_message = true, .initial_metadata = block}), "metadata");
    ExpectConnectionError(
        Hello() + SerializeFrame(StatusFrame{.call = 1, .has_message = true, .trailing_metadata = block}), "metadata");
  }
}

TEST_F(ClientS5_Metadata, OverTheLimitIsACallError) {
  Metadata metadata;
  ASSERT_TRUE(metadata.Add("k", std::string(8192 - 33, 'v')).ok());
  std::string block;
  ASSERT_TRUE(wire::SerializeMetadata(metadata, block).ok());
  const StatusFrame at_limit{.call = 1, .code = 5, .initial_metadata = block};
  ExpectCallError(SerializeFrame(at_limit), absl::StatusCode::kNotFound);
  ASSERT_TRUE(metadata.Add("k", "").ok());
  ASSERT_TRUE(wire::SerializeMetadata(metadata, block).ok());
  const StatusFrame over{.call = 1, .has_message = true, .initial_metadata = block};
  ExpectCallError(SerializeFrame(over), absl::StatusCode::kResourceExhausted);
}

using ClientS8_Limits = ClientConformance;

TEST_F(ClientS8_Limits, AReplyOverTheClientsIsACallError) {
  ExpectCallError(Ok(1, std::string(101, 'x')), absl::StatusCode::kResourceExhausted,
                  {.max_receive_message_bytes = 102});
}

TEST_F(ClientS8_Limits, ALongReplyOverTheClientsEndsAnAsynchronousCallThatLooksWhenAllHasCome) {
  const std::unique_ptr<TestStub> stub = NewStub({.max_receive_message_bytes = 100});
  ClientContext context;
  context.set_timeout(kPatience);
  EchoRequest request;
  EchoReply reply;
  absl::Status status;
  Event ended;
  stub->Async().Echo(context, request, reply, [&](absl::Status result) {
    status = std::move(result);
    ended.Happen();
  });
  RawServerConnection client = Accept();
  const auto call = ReceiveCall(client);
  EchoReply longer;
  longer.set_text(std::string(200, 'x'));
  const std::string message = SerializeFrame(wire::MessageFrame{.call = call->id()}, longer.SerializeAsString());
  ASSERT_TRUE(client.Send(Hello() + message + SerializeFrame(StatusFrame{.call = call->id()})));
  ASSERT_TRUE(ended.Await());
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
}

using ClientS9_Errors = ClientConformance;

TEST_F(ClientS9_Errors, TheEndOfTheConnectionEndsItsCallsAndTheyAreNotMadeAgain) {
  std::vector<std::unique_ptr<Echo>> echoes;
  for (int i = 0; i < 4; ++i) echoes.push_back(std::make_unique<Echo>(*stub_, "hi"));
  RawServerConnection client = Accept();
  for (size_t i = 0; i < echoes.size(); ++i) ReceiveCall(client);
  client.Close();
  for (const auto& echo : echoes) EXPECT_EQ(echo->Wait().code(), absl::StatusCode::kUnavailable);
  ExpectServedOnANewConnection();
}

TEST_F(ClientS9_Errors, AnswersThatCameBeforeTheEndCount) {
  Echo echo(*stub_, "hi");
  RawServerConnection client = Accept();
  const auto call = ReceiveCall(client);
  Echo unread(*stub_, "unread");  // lies in the socket, so that the client sees ECONNRESET
  ASSERT_TRUE(client.AnythingWithin(kPatience));
  ASSERT_TRUE(client.Send(Hello()));
  ASSERT_TRUE(client.Send(Ok(call->id(), "ho") + Goaway(GoawayReason::kShutdown, "")));
  client.Close();
  EXPECT_EQ(echo.Reply(), "ho");
  EXPECT_EQ(unread.Wait().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ClientS9_Errors, ACallThatCouldNotBeSentIsMadeAgain) {
  Echo echo(*stub_, "hi");
  RawServerConnection first = Accept();
  ASSERT_TRUE(first.Send(Hello() + Ok(ReceiveCall(first)->id(), "ho")));
  EXPECT_EQ(echo.Reply(), "ho");
  ASSERT_EQ(shutdown(first.fd(), SHUT_RD), 0);
  ExpectServedOnANewConnection();
  EXPECT_FALSE(first.Receive().has_value()) << "nothing was sent on the first connection";
}

using ClientS10_AnExchangeInBytes = ClientConformance;

TEST_F(ClientS10_AnExchangeInBytes, IsWhatTheClientSpeaks) {
  const std::shared_ptr<Channel> channel = *CreateChannel(target_, {.transport = Transport::kSeqpacket});
  google::protobuf::StringValue request;
  request.set_value("abc");
  google::protobuf::StringValue reply;
  absl::Status status;
  std::thread caller([&] {
    ClientContext context;
    context.set_timeout(kPatience);
    status = channel->UnaryCall({"/p.S/M", MethodKind::kUnary}, context, request, reply);
  });
  RawServerConnection client = server_.Accept();
  std::string packet = client.ReceivePacket();
  const std::string expected = FromHex(R"(
      2c000000 01 00 2000 00000000  5544535250430d0a 0100 0100 00000000 00000000 00200000 0000400000000000
      25000000 10 0f 1400 01000000  01000000 0000000000000000 0600 2f702e532f4d 0a03616263)");
  constexpr size_t kTimeoutOffset = 44 + 12 + 4;
  EXPECT_EQ(packet.size(), expected.size());
  // What is left of the timeout depends on the clock.
  if (packet.size() >= kTimeoutOffset + 8) std::memset(packet.data() + kTimeoutOffset, 0, 8);
  EXPECT_EQ(ToHex(packet), ToHex(expected));
  EXPECT_TRUE(client.Send(FromHex(R"(
      2c000000 01 00 2000 00000000  5544535250430d0a 0100 0100 00000000 00400000 00200000 0000400000000000
      10000000 21 01 0000 01000000  0a026465)")));
  caller.join();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(reply.value(), "de");
}

}  // namespace
}  // namespace udsrpc::testing

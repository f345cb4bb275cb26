// Holds the client to docs/PROTOCOL.md, as client_test.cc does. Here: what concerns streams, fragments and credit.
// First, calls and messages.

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/src/wire/limits.h"
#include "common/src/wire/stream_frame.h"
#include "gmock/gmock.h"
#include "tests/conformance/client_conformance.h"
#include "tests/conformance/client_stream_conformance.h"
#include "tests/support/hex.h"
#include "tests/support/raw_server.h"

namespace udsrpc::testing {
namespace {

using ClientS4_2_StreamCall = ClientStreamConformance;

TEST_F(ClientS4_2_StreamCall, OfAStreamOfRequestsIsSentAtOnceWithoutMessageAndHalfClose) {
  Chat chat(*stub_);
  RawServerConnection client = Accept();
  const auto call = ReceiveCall(client);
  EXPECT_FALSE(call->frame.half_close || call->frame.has_message);
  EXPECT_EQ(std::string(call->frame.path), "/udsrpc.testing.Test/Chat");
}

TEST_F(ClientS4_2_StreamCall, OfAServerStreamHasTheRequestAndTheHalfClose) {
  ClientContext context;
  context.set_timeout(kPatience);
  InflateRequest request;
  request.set_messages(1);
  ClientReader<EchoReply> reader = stub_->Count(context, request);
  RawServerConnection client = Accept();
  const auto call = ReceiveCall(client);
  EXPECT_TRUE(call->frame.half_close && call->frame.has_message);
  EXPECT_EQ(ToHex(call->frame.message), ToHex(request.SerializeAsString()));
  ASSERT_TRUE(client.Send(Hello() + Message(1, Text("a")) + End(1)));
  EchoReply reply;
  EXPECT_TRUE(reader.Read(reply));
  EXPECT_EQ(reply.text(), "a");
  EXPECT_FALSE(reader.Read(reply));
  EXPECT_TRUE(reader.Finish().ok());
}

TEST_F(ClientS4_2_StreamCall, OfALongRequestIsFollowedByItsFragments) {
  const std::string text(100000, 'x');
  Echo echo(*stub_, text);
  RawServerConnection client = Accept();
  const auto call = ReceiveCall(client);
  EXPECT_FALSE(call->frame.half_close || call->frame.has_message);
  std::string request;
  size_t bytes = 0;
  for (;;) {
    const ReceivedFrame frame = Expect(client, FrameType::kMessage, call->id());
    bytes += frame.bytes.size();
    EXPECT_LE(frame.bytes.size(), wire::kMaxPacketBytes);
    const absl::StatusOr<MessageFrame> message = MessageFrame::Parse(frame.raw());
    ASSERT_TRUE(message.ok()) << message.status();
    EXPECT_EQ(message->total.has_value(), request.empty());
    EXPECT_EQ(message->total.value_or(Text(text).size()), Text(text).size());
    EXPECT_EQ(message->half_close, !message->more);
    request.append(message->message.data(), message->message.size());
    if (!message->more) break;
    if (bytes == 65536) {
      EXPECT_FALSE(client.AnythingWithin(absl::Milliseconds(20))) << "beyond its credit";
      ASSERT_TRUE(client.Send(Hello() + Credit(call->id(), 65536)));
    }
    ASSERT_TRUE(bytes <= 65536 || bytes <= 2 * 65536);
  }
  EXPECT_EQ(request, Text(text));
  ASSERT_TRUE(client.Send(Ok(call->id(), "long")));
  EXPECT_EQ(echo.Reply(), "long");
}

using ClientS4_3_StreamStatus = ClientStreamConformance;

TEST_F(ClientS4_3_StreamStatus, HasTheLastMessageOrComesBehindIt) {
  Chat chat(*stub_);
  RawServerConnection client = Accept();
  ReceiveCall(client);
  ASSERT_TRUE(client.Send(Hello() + Message(1, Text("a")) + Ok(1, "b")));
  EchoReply reply;
  EXPECT_TRUE(chat.stream.Read(reply));
  EXPECT_EQ(reply.text(), "a");
  EXPECT_TRUE(chat.stream.Read(reply));
  EXPECT_EQ(reply.text(), "b");
  EXPECT_FALSE(chat.stream.Read(reply));
  EXPECT_TRUE(chat.stream.Finish().ok());

  Echo echo(*stub_, "hi");
  EXPECT_EQ(ReceiveCall(client)->id(), 2U);
  ASSERT_TRUE(client.Send(First(2, 6, "\x0a\x04") + Message(2, "long") + End(2)));
  EXPECT_EQ(echo.Reply(), "long");
}

TEST_F(ClientS4_3_StreamStatus, OfOkWithinAMessageIsRefused) {
  ExpectStreamError(First(1, 9, "x") + End(1), "within a message");
  ExpectConnectionError(Hello() + First(1, 9, "x") + Ok(1, "hi"), "within a message");
}

TEST_F(ClientS4_3_StreamStatus, OfAnErrorWithinAMessageEndsTheCallOnly) {
  ExpectCallError(First(1, 9, "x") + SerializeFrame(StatusFrame{.call = 1, .code = 10}), absl::StatusCode::kAborted);
}

TEST_F(ClientS4_3_StreamStatus, WithASecondReplyIsRefused) {
  ExpectConnectionError(Hello() + Message(1, Text("first")) + Ok(1, "second"), "second reply");
}

TEST_F(ClientS4_3_StreamStatus, WithInitialMetadataBehindTheFirstIsRefused) {
  const std::string late =
      SerializeFrame(StatusFrame{.call = 1, .initial_metadata = absl::string_view("\1\0k\1\0v", 6)});
  ExpectStreamError(Initial(1, "") + late, "twice, or late");
  ExpectStreamError(Message(1, "") + late, "twice, or late");
}

TEST_F(ClientS4_3_StreamStatus, EndsWritesBeforeTheHalfClose) {
  Chat chat(*stub_);
  RawServerConnection client = Accept();
  ReceiveCall(client);
  ASSERT_TRUE(client.Send(Hello() + SerializeFrame(StatusFrame{.call = 1, .code = 10})));
  EchoReply reply;
  EXPECT_FALSE(chat.stream.Read(reply));
  EXPECT_FALSE(chat.stream.Write(Request("late")));
  EXPECT_FALSE(chat.stream.WritesDone());
  EXPECT_EQ(chat.stream.Finish().code(), absl::StatusCode::kAborted);
  ExpectServedOn(client);
}

using ClientS4_4_StreamCancel = ClientStreamConformance;

TEST_F(ClientS4_4_StreamCancel, DropsWhatStillComesUntilTheStatus) {
  Chat chat(*stub_);
  RawServerConnection client = Accept();
  ReceiveCall(client);
  ASSERT_TRUE(client.Send(Hello() + Message(1, Text("unread"))));
  chat.context.Cancel();
  EchoReply reply;
  EXPECT_FALSE(chat.stream.Read(reply));
  EXPECT_EQ(chat.stream.Finish().code(), absl::StatusCode::kCancelled);
  ExpectCancel(client, 1, absl::StatusCode::kCancelled);
  ASSERT_TRUE(client.Send(Initial(1, "") + First(1, 9, "x") + Credit(1, 1) + Message(1, "") + End(1)));
  ExpectServedOn(client);
  ASSERT_TRUE(client.Send(Message(1, "") + SerializeFrame(PingFrame{.token = 1})));
  Echo next(*stub_, "next");
  ReceiveCall(client);
  EXPECT_EQ(next.Wait().code(), absl::StatusCode::kUnavailable) << "a MESSAGE behind the STATUS";
}

using ClientS4_6_StreamGoaway = ClientStreamConformance;

TEST_F(ClientS4_6_StreamGoaway, LetsAStreamGoOnAndClosesBehindIt) {
  auto chat = std::make_unique<Chat>(*stub_);
  RawServerConnection client = Accept();
  ReceiveCall(client);
  ASSERT_TRUE(client.Send(Hello() + Goaway(wire::GoawayReason::kShutdown, "drain") + Message(1, Text("a"))));
  EchoReply reply;
  EXPECT_TRUE(chat->stream.Read(reply));
  EXPECT_TRUE(chat->stream.Write(Request("b")));
  ExpectBytes(client, Message(1, Text("b")));
  ExpectServedOnANewConnection();
  ASSERT_TRUE(client.Send(Message(1, Text("c")) + End(1)));
  EXPECT_TRUE(chat->stream.Read(reply));
  EXPECT_EQ(reply.text(), "c");
  EXPECT_FALSE(chat->stream.Read(reply));
  EXPECT_TRUE(chat->stream.Finish().ok());
  chat.reset();
  EXPECT_FALSE(client.Receive().has_value()) << "its last call has ended";
}

using ClientS4_7_Message = ClientStreamConformance;

TEST_F(ClientS4_7_Message, IsSentWholeAndTheLastMayHalfClose) {
  Chat chat(*stub_);
  RawServerConnection client = Accept();
  ReceiveCall(client);
  EXPECT_TRUE(chat.stream.Write(Request("a")));
  EXPECT_TRUE(chat.stream.Write(Request("")));
  EXPECT_TRUE(chat.stream.WriteLast(Request("z")));
  EXPECT_FALSE(chat.stream.Write(Request("behind")));
  ExpectBytes(client, Message(1, Text("a")));
  ExpectBytes(client, Message(1, ""));
  ExpectBytes(client, Message(1, Text("z"), /*half_close=*/true));
  ASSERT_TRUE(client.Send(Hello() + End(1)));
  EXPECT_TRUE(chat.stream.Finish().ok());
}

TEST_F(ClientS4_7_Message, IsTakenInAnyFragmentsWithOtherCallsBetweenThem) {
  Chat one(*stub_);
  RawServerConnection client = Accept();
  ReceiveCall(client);
  Chat two(*stub_);
  ReceiveCall(client);
  ASSERT_TRUE(client.Send(Hello() + First(1, 6, "") + First(2, 3, "\x0a") + More(1, "\x0a\x04wh") +
                          Message(2, "\x01z") + More(1, "") + More(1, "ol") + Message(1, "") + End(2)));
  EchoReply reply;
  EXPECT_TRUE(one.stream.Read(reply));
  EXPECT_EQ(reply.text(), "whol");
  EXPECT_TRUE(two.stream.Read(reply));
  EXPECT_EQ(reply.text(), "z");
  EXPECT_FALSE(two.stream.Read(reply));
}

TEST_F(ClientS4_7_Message, FragmentsThatDoNotAddUpAreRefused) {
  for (const auto& [packet, words] : std::vector<std::pair<std::string, std::string>>{
           {More(1, "x"), "gives no total"},
           {First(1, 9, "x") + First(1, 9, "x"), "within another"},
           {First(1, 1, "xy"), "not as long together"},
           {First(1, 2, "x") + Message(1, "yz"), "not as long together"},
           {First(1, 9, "x") + Message(1, ""), "not as long together"},
           {FromHex("15000000 11 04 0800 01000000 0100000000000000 00"), "only frame"},
           {FromHex("0c000000 11 08 0000 01000000"), "flags"},
           {FromHex("0c000000 11 00 0000 00000000"), "needs a call"}}) {
    ExpectStreamError(packet, words);
    ExpectConnectionError(Hello() + packet, words);
  }
}

TEST_F(ClientS4_7_Message, ThatHalfClosesIsRefused) {
  ExpectStreamError(Message(1, "", /*half_close=*/true), "only a client");
}

TEST_F(ClientS4_7_Message, OfACallThatIsNotOpenIsRefused) {
  ExpectStreamError(Message(2, ""), "no such call");
  ExpectStreamError(Initial(2, ""), "no such call");
  ExpectStreamError(Credit(2, 1), "no such call");
}

TEST_F(ClientS4_7_Message, OverTheLimitIsACallErrorThatTheServerIsTold) {
  for (const std::string& over : {First(1, 101, "x"), First(1, ~0ULL, ""), Message(1, std::string(101, 'x'))}) {
    stub_ = NewStub({.max_receive_message_bytes = 100});
    Chat chat(*stub_);
    RawServerConnection client = Accept();
    ReceiveCall(client);
    ASSERT_TRUE(client.Send(Hello() + over));
    EchoReply reply;
    EXPECT_FALSE(chat.stream.Read(reply));
    EXPECT_EQ(chat.stream.Finish().code(), absl::StatusCode::kResourceExhausted);
    ExpectCancel(client, 1, absl::StatusCode::kResourceExhausted);
    ASSERT_TRUE(client.Send(More(1, "the rest") + Message(1, "") + End(1)));
    ExpectServedOn(client);
  }
}

}  // namespace
}  // namespace udsrpc::testing

// Holds the server to docs/PROTOCOL.md, as server_test.cc does. Here: what concerns streams, fragments and credit.
// Then, messages.

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/src/wire/limits.h"
#include "common/src/wire/stream_frame.h"
#include "gmock/gmock.h"
#include "tests/conformance/server_conformance.h"
#include "tests/conformance/server_stream_conformance.h"
#include "tests/support/hex.h"
#include "tests/support/raw_client.h"

namespace udsrpc::testing {
namespace {

using S4_7_Message = ServerStreamConformance;

TEST_F(S4_7_Message, ComesInAnyFragmentsWithOtherCallsBetweenThem) {
  RawClient client = Connect();
  const std::string request = Text("fragments");
  ASSERT_TRUE(client.Send(Open(1, "Chat") + Open(2, "Chat") + First(1, request.size(), "")));
  for (const char byte : request.substr(1)) {
    ASSERT_TRUE(client.Send(More(1, "") + Message(2, Text(std::string(1, byte)))));
    ExpectText(client, 2, std::string(1, byte));
  }
  ASSERT_TRUE(client.Send(More(1, request.substr(0, 4)) + First(2, 3, "\x0a") + More(1, request.substr(4)) +
                          Message(2, "\x01z") + Message(1, "")));
  std::vector<std::string> texts;
  for (int i = 0; i < 2; ++i) {
    const std::optional<ReceivedFrame> frame = client.Receive();
    ASSERT_TRUE(frame.has_value());
    texts.push_back(frame->bytes);
  }
  EXPECT_THAT(texts, ::testing::UnorderedElementsAre(Message(1, request), Message(2, Text("z"))));
}

TEST_F(S4_7_Message, MayBeEmptyWholeOrInFragments) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Open(1, "Collect") + Message(1, "") + First(1, 0, "") + Message(1, "") +
                          Message(1, "", /*half_close=*/true)));
  CollectReply reply;
  reply.set_messages(3);
  ExpectEnd(client, 1, absl::StatusCode::kOk, reply.SerializeAsString());
}

TEST_F(S4_7_Message, ItsLastFragmentMayHalfClose) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Open(1, "Chat") + First(1, 3, "\x0a") + Message(1, "\x01z", /*half_close=*/true)));
  ExpectText(client, 1, "z");
  ExpectEnd(client, 1, absl::StatusCode::kOk);
}

TEST_F(S4_7_Message, FragmentsThatDoNotAddUpAreRefused) {
  for (const char* method : {"Chat", "Echo"}) {
    const std::string open = Open(1, method);
    for (const auto& [packet, words] :
         std::vector<std::pair<std::string, std::string>>{{More(1, "x"), "gives no total"},
                                                          {First(1, 9, "x") + First(1, 9, "x"), "within another"},
                                                          {First(1, 1, "xy"), "not as long together"},
                                                          {First(1, 2, "x") + More(1, "yz"), "not as long together"},
                                                          {First(1, 2, "x") + Message(1, "yz"), "not as long together"},
                                                          {First(1, 9, "x") + Message(1, "y"), "not as long together"},
                                                          {First(1, 9, "x") + Message(1, ""), "not as long together"},
                                                          {First(1, 0, "x"), "not as long together"}}) {
      SCOPED_TRACE(ToHex(packet));
      ExpectConnectionError(open + packet, words);
    }
  }
}

TEST_F(S4_7_Message, WithFlagsThatContradictIsRefused) {
  const std::string open = Open(1, "Echo");
  ExpectConnectionError(open + FromHex("0d000000 11 03 0000 01000000 00"), "goes on");
  ExpectConnectionError(open + FromHex("15000000 11 07 0800 01000000 0200000000000000 00"), "goes on");
  ExpectConnectionError(open + FromHex("15000000 11 04 0800 01000000 0100000000000000 00"), "only frame");
  ExpectConnectionError(open + FromHex("13000000 11 06 0700 01000000 01000000000000"), "head");
  ExpectConnectionError(open + FromHex("0c000000 11 08 0000 01000000"), "flags");
  ExpectConnectionError(open + FromHex("0c000000 11 00 0000 00000000"), "needs a call");
}

TEST_F(S4_7_Message, BehindTheHalfCloseIsRefused) {
  for (const std::string& half_closed :
       {Open(1, "Echo") + First(1, 1, "x") + HalfClose(2) + Open(3, "Hold") + HalfClose(3),
        Open(3, "Hold") + Message(3, "", /*half_close=*/true),
        SerializeFrame(CallFrame{.call = 3, .half_close = true, .path = "/udsrpc.testing.Test/Hold"})}) {
    RawClient client = Connect();
    ASSERT_TRUE(client.Send(half_closed));
    ExpectText(client, 3, "held");
    ASSERT_TRUE(client.Send(Message(3, "")));
    ExpectGoaway(client, wire::GoawayReason::kProtocolError, "behind the half-close");
  }
}

TEST_F(S4_7_Message, OfACallThatIsNotOpenIsIgnoredButForItsCredit) {
  RawClient client = Connect();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(client.Send(Message(99, std::string(65536 - FrameHeader::kBytes, 'x'))));
    ExpectCredit(client, 0, 65536);
  }
  ExpectNothingCame(client);
}

TEST_F(S4_7_Message, OverTheLimitByItsTotalOrWholeIsACallError) {
  RawClient client = Connect();
  for (const char* method : {"Chat", "Echo", "Collect", "Count"}) {
    for (const std::string& over : {First(1, 10001, "x"), First(1, ~0ULL, ""), First(1, 1ULL << 63, "x"),
                                    Message(1, std::string(10001, 'x')), Message(1, std::string(10001, 'x'), true)}) {
      SCOPED_TRACE(absl::StrCat(method, " ", ToHex(over.substr(0, 30))));
      ASSERT_TRUE(client.Send(Open(1, method) + over));
      std::optional<ReceivedFrame> frame = client.Receive();
      while (frame.has_value() && frame->header.type == static_cast<uint8_t>(FrameType::kCredit))
        frame = client.Receive();
      ASSERT_TRUE(frame.has_value());
      const absl::StatusOr<StatusFrame> status = StatusFrame::Parse(frame->raw());
      ASSERT_TRUE(status.ok()) << frame->header.ToString();
      EXPECT_EQ(static_cast<absl::StatusCode>(status->code), absl::StatusCode::kResourceExhausted);
      EXPECT_FALSE(status->refused);
      ASSERT_TRUE(client.Send(More(1, "the rest, on its way") + Message(1, "") + HalfClose(1)));
      ExpectNothingCame(client);
    }
  }
  ASSERT_TRUE(client.Send(Open(1, "Collect") + Message(1, Text(std::string(10000 - 3, 'x')), true)));
  const ReceivedFrame frame = Expect(client, FrameType::kStatus, 1);
  EXPECT_EQ(StatusFrame::Parse(frame.raw())->code, 0U) << "the limit itself is within";
}

TEST_F(S4_7_Message, ThatDoesNotParseIsInternal) {
  RawClient client = Connect();
  ASSERT_TRUE(
      client.Send(Open(1, "Chat") + Message(1, Text("a")) + Message(1, "\xff\xff\xff") + Message(1, Text("b"))));
  ExpectText(client, 1, "a");
  EXPECT_EQ(ExpectStatus(client, 1), absl::StatusCode::kInternal);
}

using S4_8_HalfClose = ServerStreamConformance;

TEST_F(S4_8_HalfClose, TwiceOrWithinAMessageIsRefused) {
  const std::string echo = Open(1, "Echo");
  ExpectConnectionError(echo + First(1, 2, "x") + HalfClose(1), "within a message");
  for (const std::string& half_closed :
       {Open(3, "Hold") + HalfClose(3), Open(3, "Hold") + Message(3, "", /*half_close=*/true),
        SerializeFrame(CallFrame{.call = 3, .half_close = true, .path = "/udsrpc.testing.Test/Hold"})}) {
    RawClient client = Connect();
    ASSERT_TRUE(client.Send(half_closed));
    ExpectText(client, 3, "held");
    ASSERT_TRUE(client.Send(HalfClose(3)));
    ExpectGoaway(client, wire::GoawayReason::kProtocolError, "twice");
  }
  ExpectConnectionError(FromHex("0c000000 12 00 0000 00000000"), "needs a call");
  ExpectConnectionError(FromHex("0c000000 12 01 0000 01000000"), "flags");
}

TEST_F(S4_8_HalfClose, OfACallThatIsNotOpenIsIgnored) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(HalfClose(5) + HalfClose(5)));
  ExpectNothingCame(client);
}

using S4_9_Initial = ServerStreamConformance;

TEST_F(S4_9_Initial, ComesOnceBeforeTheFirstMessageWhereThereIsMetadata) {
  RawClient client = Connect();
  const std::string metadata = FromHex("0700 696e697469616c 0100 76");  // "initial": "v"
  ASSERT_TRUE(client.Send(Open(1, "Hold", metadata)));
  EXPECT_EQ(ToHex(Expect(client, FrameType::kInitial, 1).bytes),
            ToHex(SerializeFrame(InitialFrame{.call = 1, .metadata = metadata})));
  ExpectText(client, 1, "held");
  service_.Open("gate");
  ASSERT_TRUE(client.Send(Message(1, Text("a"), /*half_close=*/true)));
  ExpectText(client, 1, "a");
  const ReceivedFrame frame = Expect(client, FrameType::kStatus, 1);
  EXPECT_EQ(ToHex(frame.bytes), ToHex(SerializeFrame(StatusFrame{.call = 1}))) << "without INITIAL";
}

TEST_F(S4_9_Initial, IsSentByTheServerOnly) {
  ExpectConnectionError(SerializeFrame(InitialFrame{.call = 1}), "only a server");
}

}  // namespace
}  // namespace udsrpc::testing

// Holds the server to docs/PROTOCOL.md, as server_test.cc does. Here: what concerns streams, fragments and credit.
// First, calls.

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/src/wire/limits.h"
#include "common/src/wire/stream_frame.h"
#include "gmock/gmock.h"
#include "tests/conformance/server_conformance.h"
#include "tests/conformance/server_stream_conformance.h"
#include "tests/support/hex.h"
#include "tests/support/raw_client.h"

namespace udsrpc::testing {
namespace {

using S4_2_StreamCall = ServerStreamConformance;

TEST_F(S4_2_StreamCall, RunsItsHandlerAtOnce) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Open(1, "Hold")));
  ExpectText(client, 1, "held");
  EXPECT_TRUE(service_.AwaitArrivals("gate", 1));
}

TEST_F(S4_2_StreamCall, MayBringTheFirstMessageAndTheHalfClose) {
  RawClient client = Connect();
  const std::string chat = "/udsrpc.testing.Test/Chat";
  ASSERT_TRUE(client.Send(SerializeFrame(CallFrame{.call = 1, .has_message = true, .path = chat}, Text("a"))));
  ExpectText(client, 1, "a");
  ASSERT_TRUE(client.Send(HalfClose(1)));
  ExpectEnd(client, 1, absl::StatusCode::kOk);
  ASSERT_TRUE(client.Send(
      SerializeFrame(CallFrame{.call = 1, .half_close = true, .has_message = true, .path = chat}, Text("b"))));
  ExpectText(client, 1, "b");
  ExpectEnd(client, 1, absl::StatusCode::kOk);
  ASSERT_TRUE(client.Send(SerializeFrame(CallFrame{.call = 1, .half_close = true, .path = chat})));
  ExpectEnd(client, 1, absl::StatusCode::kOk);
}

TEST_F(S4_2_StreamCall, ItsMessageCostsNoCredit) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(SerializeFrame(CallFrame{.call = 1, .has_message = true, .path = "/udsrpc.testing.Test/Hold"},
                                         Text(std::string(5000, 'x')))));
  ExpectText(client, 1, "held");
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(client.Send(MessageOfSize(1, 8192)));
  ExpectCredit(client, 0, 65536);
  ExpectNothingCame(client);
}

TEST_F(S4_2_StreamCall, OfOneRequestWaitsForItInMessages) {
  RawClient client = Connect();
  const std::string request = Text("in parts");
  ASSERT_TRUE(client.Send(Open(1, "Echo") + First(1, request.size(), request.substr(0, 3))));
  ExpectNothingCame(client);
  ASSERT_TRUE(client.Send(More(1, request.substr(3, 2))));
  ExpectNothingCame(client);
  EXPECT_EQ(service_.echoes(), 1) << "the bystander's alone";
  ASSERT_TRUE(client.Send(Message(1, request.substr(5), /*half_close=*/true)));
  ExpectEnd(client, 1, absl::StatusCode::kOk, request);
}

TEST_F(S4_2_StreamCall, OfOneRequestRunsBeforeTheHalfCloseAndReadsNoSecondMessage) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Open(1, "Echo") + Message(1, Text("first")) + Message(1, Text("second"))));
  ExpectEnd(client, 1, absl::StatusCode::kOk, Text("first"));
  ASSERT_TRUE(client.Send(HalfClose(1)));
  ExpectNothingCame(client);
}

TEST_F(S4_2_StreamCall, OfOneRequestThatIsHalfClosedWithoutOneIsInternal) {
  RawClient client = Connect();
  for (const char* method : {"Echo", "Count"}) {
    ASSERT_TRUE(client.Send(Open(1, method)));
    ExpectNothingCame(client);
    ASSERT_TRUE(client.Send(HalfClose(1)));
    ExpectEnd(client, 1, absl::StatusCode::kInternal);
  }
}

TEST_F(S4_2_StreamCall, OfOneRequestThatDoesNotComeEndsAtItsDeadline) {
  RawClient client = Connect();
  ASSERT_TRUE(
      client.Send(SerializeFrame(CallFrame{.call = 1, .timeout_us = 10000, .path = "/udsrpc.testing.Test/Echo"}) +
                  First(1, 100, "part")));
  EXPECT_EQ(ExpectStatus(client, 1), absl::StatusCode::kDeadlineExceeded);
  ExpectNothingCame(client);
}

using S4_2_LongRequest = ServerLongMessages;

TEST_F(S4_2_LongRequest, GetsTheCreditThatItNeeds) {
  RawClient client = Connect();
  const std::string request = Text(std::string(3 << 20, 'x'));
  ASSERT_TRUE(client.Send(Open(1, "Echo")));
  size_t sent = 0;
  uint64_t call_credit = 65536;
  uint64_t credit = 131072;
  // Gives itself what the server gives; a server that gives too little lets Receive fail after 20 s.
  const auto take_credit = [&](uint64_t wanted) {
    while (std::min(call_credit, credit) < wanted) {
      const std::optional<ReceivedFrame> frame = client.Receive();
      if (!frame.has_value()) return false;
      const absl::StatusOr<CreditFrame> given = CreditFrame::Parse(frame->raw());
      if (!given.ok()) return false;
      (given->call == 0 ? credit : call_credit) += given->bytes;
    }
    return true;
  };
  while (sent < request.size()) {
    const std::string body = request.substr(sent, 32000);
    std::string frame = sent == 0 ? First(1, request.size(), body) : More(1, body);
    if (sent + body.size() == request.size()) frame = Message(1, body, true);
    ASSERT_TRUE(take_credit(frame.size())) << "no credit after " << sent << " bytes";
    call_credit -= frame.size();
    credit -= frame.size();
    ASSERT_TRUE(client.Send(frame));
    sent += body.size();
  }
  for (;;) {  // the reply, of which the credit lets 64 KiB come
    const std::optional<ReceivedFrame> frame = client.Receive();
    ASSERT_TRUE(frame.has_value());
    if (frame->header.type == static_cast<uint8_t>(FrameType::kCredit)) continue;
    EXPECT_EQ(frame->header.type, static_cast<uint8_t>(FrameType::kMessage));
    break;
  }
}

TEST_F(S4_2_LongRequest, OfAClientThatLeavesIsForgotten) {
  const auto descriptors = [] {
    const std::filesystem::directory_iterator open("/proc/self/fd");
    return std::distance(begin(open), end(open));
  };
  const auto before = descriptors();
  for (int i = 0; i < 20; ++i) {
    RawClient client = Connect();
    ASSERT_TRUE(client.Send(
        SerializeFrame(CallFrame{.call = 1, .timeout_us = 3'600'000'000, .path = "/udsrpc.testing.Test/Echo"})));
    ExpectNothingCame(client);
  }
  const absl::Time give_up = absl::Now() + absl::Seconds(5);
  while (descriptors() > before && absl::Now() < give_up) ExpectBystanderServed();
  EXPECT_LE(descriptors(), before) << "the server keeps their sockets until the calls' deadlines";
}

using S4_3_StreamStatus = ServerStreamConformance;

TEST_F(S4_3_StreamStatus, OfAClientStreamHasTheReply) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Open(1, "Collect") + Message(1, Text("a")) + Message(1, Text("bc")) + HalfClose(1)));
  CollectReply reply;
  reply.set_messages(2);
  reply.set_bytes(3);
  ExpectEnd(client, 1, absl::StatusCode::kOk, reply.SerializeAsString());
}

TEST_F(S4_3_StreamStatus, OfALongReplyComesBehindItsFragments) {
  RawClient client = Connect();
  InflateRequest request;
  request.set_bytes(100000);
  ASSERT_TRUE(client.Send(
      SerializeFrame(
          CallFrame{.call = 1, .half_close = true, .has_message = true, .path = "/udsrpc.testing.Test/Inflate"},
          request.SerializeAsString()) +
      Credit(1, 65536)));
  const uint64_t kTotal = Text(std::string(100000, 'x')).size();
  std::string reply;
  for (;;) {
    const ReceivedFrame frame = Expect(client, FrameType::kMessage, 1);
    const absl::StatusOr<MessageFrame> message = MessageFrame::Parse(frame.raw());
    ASSERT_TRUE(message.ok()) << message.status();
    EXPECT_EQ(message->total.has_value(), reply.empty());
    EXPECT_EQ(message->total.value_or(kTotal), kTotal);
    reply.append(message->message.data(), message->message.size());
    EXPECT_FALSE(message->half_close);
    if (!message->more) break;
  }
  EXPECT_EQ(reply, Text(std::string(100000, 'x')));
  ExpectEnd(client, 1, absl::StatusCode::kOk);
}

TEST_F(S4_3_StreamStatus, MayComeBeforeTheHalfCloseAndWhatFollowsIsIgnored) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Open(1, "Chat") + Message(1, Text("abort"))));
  ExpectEnd(client, 1, absl::StatusCode::kAborted);
  ASSERT_TRUE(client.Send(Message(1, Text("late")) + More(1, "of no message") + Credit(1, 1) + Cancel(1) +
                          HalfClose(1) + HalfClose(1)));
  ExpectNothingCame(client);
  ASSERT_TRUE(client.Send(Open(1, "Chat") + Message(1, Text("again"))));
  ExpectText(client, 1, "again");
}

using S4_4_StreamCancel = ServerStreamConformance;

TEST_F(S4_4_StreamCancel, IsAnsweredWithOneStatusAndTakesMessagesStill) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Open(1, "Hold")));
  ExpectText(client, 1, "held");
  ASSERT_TRUE(client.Send(Cancel(1) + Message(1, Text("on its way")) + Cancel(1)));
  ExpectEnd(client, 1, absl::StatusCode::kCancelled);
  EXPECT_TRUE(service_.AwaitCancelled("gate", 1));
  ExpectNothingCame(client);
}

TEST_F(S4_4_StreamCancel, EndsACallThatWaitsForItsRequestOrForMessagesOrForCredit) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Open(1, "Echo") + First(1, 100, "part") + Cancel(1)));
  ExpectEnd(client, 1, absl::StatusCode::kCancelled);
  ASSERT_TRUE(client.Send(Open(1, "Collect") + First(1, 100, "part")));
  ExpectNothingCame(client);
  ASSERT_TRUE(client.Send(Cancel(1)));
  ExpectEnd(client, 1, absl::StatusCode::kCancelled);
  ASSERT_TRUE(client.Send(CountCall(1, 9, 8181)));
  for (int i = 0; i < 7; ++i) Expect(client, FrameType::kMessage, 1);
  ASSERT_TRUE(client.Send(Cancel(1)));
  EXPECT_EQ(ExpectStatus(client, 1), absl::StatusCode::kCancelled);
}

using S4_6_StreamGoaway = ServerStreamConformance;

TEST_F(S4_6_StreamGoaway, LetsStreamsGoOnToTheirEndsAndThenCloses) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Open(1, "Chat") + Message(1, Text("before")) + Open(2, "Hold")));
  ExpectText(client, 1, "before");
  ExpectText(client, 2, "held");
  std::thread shutdown([this] { server_->Shutdown(); });
  Expect(client, FrameType::kGoaway, 0);
  EXPECT_TRUE(client.Send(Message(1, Text("after")) + Credit(1, 1) + Open(3, "Chat")));
  ExpectEnd(client, 3, absl::StatusCode::kUnavailable);
  ExpectText(client, 1, "after");
  EXPECT_TRUE(client.Send(Cancel(2)));
  ExpectEnd(client, 2, absl::StatusCode::kCancelled);
  EXPECT_TRUE(client.Send(First(1, 6, "\x0a\x04pa") + Message(1, "rt", /*half_close=*/true)));
  ExpectText(client, 1, "part");
  ExpectEnd(client, 1, absl::StatusCode::kOk);
  EXPECT_TRUE(client.AtEnd());
  EXPECT_FALSE(client.Send(Message(1, Text("later still"))));
  shutdown.join();
  server_ = nullptr;
  StartServer();  // for the bystander, whose channel connects again
}

}  // namespace
}  // namespace udsrpc::testing

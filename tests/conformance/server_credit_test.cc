// Holds the server to docs/PROTOCOL.md, as server_test.cc does. Here: what concerns streams, fragments and credit.
// Then, credit, states and limits.

#include <algorithm>
#include <map>
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
#include "tests/conformance/server_conformance.h"
#include "tests/conformance/server_stream_conformance.h"
#include "tests/support/hex.h"
#include "tests/support/raw_client.h"

namespace udsrpc::testing {
namespace {

using S4_10_Credit = ServerStreamConformance;

TEST_F(S4_10_Credit, LetsTheServerSendSoMuchAndNoMore) {
  RawClient client = Connect();
  // 100 frames of 1,015 bytes.
  ASSERT_TRUE(client.Send(CountCall(1, 100, 1000)));
  constexpr size_t kFrameBytes = 1015;
  size_t left = 65536;
  const std::string text(1000, 'x');
  for (; left >= kFrameBytes; left -= kFrameBytes) ExpectText(client, 1, text);
  ExpectNothingCame(client);
  ASSERT_TRUE(client.Send(Credit(1, static_cast<uint32_t>(kFrameBytes - left - 1))));
  ExpectNothingCame(client);
  ASSERT_TRUE(client.Send(Credit(1, 1)));
  ExpectText(client, 1, text);
  ExpectNothingCame(client);
  ASSERT_TRUE(client.Send(Credit(1, 1 << 20)));
  for (int i = 65; i < 100; ++i) ExpectText(client, 1, text);
  ExpectEnd(client, 1, absl::StatusCode::kOk);
}

TEST_F(S4_10_Credit, OfTheConnectionIsSharedByItsCalls) {
  RawClient client = Connect();
  ASSERT_TRUE(
      client.Send(CountCall(1, 1000, 1000) + Credit(1, 1 << 20) + CountCall(2, 1000, 1000) + Credit(2, 1 << 20)));
  size_t left = 131072;
  for (; left >= 1015; left -= 1015) {
    const std::optional<ReceivedFrame> frame = client.Receive();
    ASSERT_TRUE(frame.has_value());
    ASSERT_EQ(frame->header.size, 1015U) << frame->header.ToString();
  }
  ExpectNothingCame(client);
  // Neither call keeps it from the other, though one of their handlers may run much later than the other.
  constexpr int kEnough = 10;
  std::map<uint32_t, int> served;
  for (int i = 0; (served[1] < kEnough || served[2] < kEnough) && i < 1500; ++i) {
    ASSERT_TRUE(client.Send(Credit(0, 1015)));
    const std::optional<ReceivedFrame> frame = client.Receive();
    ASSERT_TRUE(frame.has_value());
    ++served[frame->header.call];
  }
  EXPECT_GE(served[1], kEnough);
  EXPECT_GE(served[2], kEnough);
  ExpectNothingCame(client);
  ASSERT_TRUE(client.Send(RawClient::EchoCall(3, "costs none")));
  ExpectEnd(client, 3, absl::StatusCode::kOk, Text("costs none"));
}

TEST_F(S4_10_Credit, OfNothingOrOfTooMuchIsRefused) {
  ExpectConnectionError(FromHex("10000000 04 00 0400 00000000 00000000"), "credit of 0");
  ExpectConnectionError(FromHex("10000000 04 00 0400 01000000 00000000"), "credit of 0");
  ExpectConnectionError(FromHex("0e000000 04 00 0200 01000000 0000"), "head");
  ExpectConnectionError(FromHex("10000000 04 01 0400 01000000 01000000"), "flags");
  const std::string wait = Open(1, "Echo");
  ExpectConnectionError(wait + Credit(1, (1U << 30) - 65536 + 1), "more than 1073741824");
  ExpectConnectionError(wait + Credit(1, ~0U), "more than 1073741824");
  ExpectConnectionError(wait + Credit(1, 1U << 29) + Credit(1, 1U << 29), "more than 1073741824");
  ExpectConnectionError(Credit(0, (1U << 30) - 131072 + 1), "more than 1073741824");
  ExpectConnectionError(Credit(0, ~0U), "more than 1073741824");
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(wait + Credit(1, (1U << 30) - 65536) + Credit(0, (1U << 30) - 131072)));
  ExpectNothingCame(client);
}

TEST_F(S4_10_Credit, OfACallThatIsNotOpenIsIgnored) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Credit(9, ~0U) + Credit(9, ~0U)));
  ExpectNothingCame(client);
}

using S6_CreditOfLongRequests = ServerLongMessages;

// A handler that runs has its one request; what is sent behind that is not read, so that credit for it comes to an end.
TEST_F(S6_CreditOfLongRequests, IsNotGivenForWhatComesBehindThem) {
  RawClient client = Connect();
  int64_t credit = 65536;
  int64_t credit_of_all = 131072;
  const auto take = [&](const ReceivedFrame& frame) {
    const absl::StatusOr<CreditFrame> given = CreditFrame::Parse(frame.raw());
    ASSERT_TRUE(given.ok()) << frame.header.ToString();
    (given->call == 0 ? credit_of_all : credit) += given->bytes;
  };
  const auto send = [&](const std::string& frame) {
    const auto cost = static_cast<int64_t>(frame.size());
    while (credit < cost || credit_of_all < cost) {
      const std::optional<ReceivedFrame> received = client.Receive();
      ASSERT_TRUE(received.has_value());
      take(*received);
    }
    ASSERT_TRUE(client.Send(frame));
    credit -= cost;
    credit_of_all -= cost;
  };
  const std::string gate(200000, 'g');
  BlockRequest request;
  request.set_gate(gate);
  const std::string bytes = request.SerializeAsString();
  constexpr size_t kFragment = 8000;
  ASSERT_TRUE(client.Send(Open(1, "Block")));
  send(First(1, bytes.size(), bytes.substr(0, kFragment)));
  for (size_t begin = kFragment; begin < bytes.size(); begin += kFragment) {
    const bool last = begin + kFragment >= bytes.size();
    send(last ? Message(1, bytes.substr(begin)) : More(1, bytes.substr(begin, kFragment)));
  }
  ASSERT_TRUE(service_.AwaitArrivals(gate, 1));
  const std::string more = Message(1, std::string(kFragment, 'x'));
  const auto cost = static_cast<int64_t>(more.size());
  int64_t behind = 0;
  for (;;) {
    while (credit >= cost && credit_of_all >= cost) {
      send(more);
      behind += cost;
    }
    ASSERT_LT(behind, 4 << 20);
    ASSERT_TRUE(client.Send(SerializeFrame(PingFrame{.token = 7})));
    const int64_t before = credit + credit_of_all;
    for (;;) {
      const std::optional<ReceivedFrame> received = client.Receive();
      ASSERT_TRUE(received.has_value());
      if (received->header.type == static_cast<uint8_t>(FrameType::kPing)) break;
      take(*received);
    }
    if (credit + credit_of_all == before && credit < cost) break;
  }
  EXPECT_LE(behind, 5 * 65536);
  ASSERT_TRUE(client.Send(Cancel(1)));
  ExpectEnd(client, 1, absl::StatusCode::kCancelled);
}

using S6_Credit = ServerStreamConformance;

TEST_F(S6_Credit, OfTheCallIsGivenBackAsMessagesAreTaken) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Open(1, "Hold")));
  ExpectText(client, 1, "held");
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(client.Send(MessageOfSize(1, 8192)));
  ExpectCredit(client, 0, 65536);
  ExpectNothingCame(client);  // of the call: nobody reads it
  service_.Open("gate");
  ExpectCredit(client, 1, 65536);
  for (int i = 0; i < 7; ++i) EXPECT_EQ(Expect(client, FrameType::kMessage, 1).header.size, 8192U);
}

TEST_F(S6_Credit, OverrunOfTheCallsIsRefused) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Open(1, "Hold")));
  ExpectText(client, 1, "held");
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(client.Send(MessageOfSize(1, 8192)));
  ExpectCredit(client, 0, 65536);
  ASSERT_TRUE(client.Send(Message(1, "")));
  ExpectGoaway(client, wire::GoawayReason::kProtocolError, "credit that is left");
}

TEST_F(S6_Credit, OverrunByEmptyMessagesIsRefused) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Open(1, "Hold")));
  ExpectText(client, 1, "held");
  std::string packet;
  for (size_t i = 0; i < 65536 / FrameHeader::kBytes; ++i) packet += Message(1, "");
  ASSERT_TRUE(client.Send(packet));
  ExpectNothingCame(client);
  ASSERT_TRUE(client.Send(Message(1, "")));
  ExpectGoaway(client, wire::GoawayReason::kProtocolError, "credit that is left");
}

TEST_F(S6_Credit, IsGivenBackForFragmentsWithNothingInThem) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Open(1, "Chat") + First(1, 3, "\x0a")));
  ExpectNothingCame(client);
  std::string packet;
  for (size_t i = 0; i < 32768 / FrameHeader::kBytes; ++i) packet += More(1, "");
  uint64_t given = 0;
  for (int i = 0; i < 4 && !HasFailure(); ++i) {
    ASSERT_TRUE(client.Send(packet + SerializeFrame(PingFrame{.token = 1})));
    for (;;) {
      const std::optional<ReceivedFrame> frame = client.Receive();
      ASSERT_TRUE(frame.has_value());
      ASSERT_NE(frame->header.type, static_cast<uint8_t>(FrameType::kGoaway)) << frame->bytes;
      if (frame->header.type == static_cast<uint8_t>(FrameType::kPing)) break;
      if (frame->header.call == 1) given += CreditFrame::Parse(frame->raw())->bytes;
    }
  }
  EXPECT_GE(given, 65536U);
}

using S6_LongMessage = ServerLongMessages;

TEST_F(S6_LongMessage, GetsMoreThanItUsedAtOnce) {
  RawClient client = Connect();
  const std::string begins = First(1, 1 << 20, "begins");
  ASSERT_TRUE(client.Send(Open(1, "Collect") + begins));
  ExpectCredit(client, 0, 2 * 65536 + static_cast<uint32_t>(begins.size()));
  ExpectCredit(client, 1, 3 * 65536 + static_cast<uint32_t>(begins.size()));
  ASSERT_TRUE(client.Send(Cancel(1)));
  ExpectEnd(client, 1, absl::StatusCode::kCancelled);
}

TEST_F(S6_Credit, PingDoesNotGoAheadOfHello) {
  RawClient client(target_);
  ASSERT_TRUE(client.Send(RawClient::Hello() + SerializeFrame(PingFrame{.token = 1})));
  ExpectHello(client);
  Expect(client, FrameType::kPing, 0);
}

TEST_F(S6_Credit, DoesNotGoAheadOfHello) {
  RawClient client(target_);
  std::string packet = RawClient::Hello() + Open(1, "Collect");
  for (int i = 0; i < 7; ++i) packet += MessageOfSize(1, 8192);
  ASSERT_TRUE(client.Send(packet));
  ExpectHello(client);
  Expect(client, FrameType::kCredit, 1);
}

TEST_F(S6_Credit, ThatComesForACancelledCallGoesToTheNextInTurn) {
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(CountCall(1, 1000, 1000) + Credit(1, 1 << 20)));
  for (size_t left = 131072; left >= 1015; left -= 1015) Expect(client, FrameType::kMessage, 1);
  ASSERT_TRUE(client.Send(CountCall(2, 1, 1000)));  // waits behind call 1
  ExpectNothingCame(client);
  ASSERT_TRUE(client.Send(Cancel(1) + Credit(0, 65536)));
  bool served = false;
  for (int i = 0; i < 3; ++i) {
    const std::optional<ReceivedFrame> frame = client.Receive();
    ASSERT_TRUE(frame.has_value()) << "the credit was lost";
    served = served || (frame->header.call == 2 && frame->header.type == static_cast<uint8_t>(FrameType::kMessage));
  }
  EXPECT_TRUE(served);
}

using S7_States = ServerStreamConformance;

TEST_F(S7_States, ACallIsOpenUntilItsStatusWhateverTheClientSaid) {
  // Half-closed, and it waits for credit.
  ExpectConnectionError(Open(2, "Echo") + Open(2, "Echo"), "is open");
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(CountCall(1, 100, 1000)));
  for (size_t left = 65536; left >= 1015; left -= 1015) Expect(client, FrameType::kMessage, 1);
  ASSERT_TRUE(client.Send(CountCall(1, 1, 1)));
  ExpectGoaway(client, wire::GoawayReason::kProtocolError, "is open");
}

TEST_F(S7_States, TheEndOfTheConnectionEndsItsStreamsAndNothingElse) {
  {
    RawClient client = Connect();
    ASSERT_TRUE(client.Send(Open(1, "Hold") + Open(2, "Collect") + Open(3, "Echo") + First(3, 9, "x") +
                            CountCall(4, 100, 1000)));
    EXPECT_TRUE(service_.AwaitArrivals("gate", 1));
  }
  EXPECT_TRUE(service_.AwaitCancelled("gate", 1));
  server_->Shutdown();  // returns: no handler is left
  server_ = nullptr;
  StartServer();
}

using S8_StreamLimits = ServerStreamConformance;

TEST_F(S8_StreamLimits, AClientThatGivesMuchCreditAndTakesNothingHasTheHandlerWait) {
  RawClient client = Connect();
  constexpr uint64_t kMessages = 2000;  // 16 MB, far more than the server keeps
  ASSERT_TRUE(client.Send(Credit(0, 1 << 29) + CountCall(1, kMessages, 8000) + Credit(1, 1 << 29)));
  EXPECT_FALSE(service_.AwaitCounted(1, absl::Milliseconds(300))) << "the handler has written to nobody";
  for (uint64_t i = 0; i < kMessages && !HasFailure(); ++i) Expect(client, FrameType::kMessage, 1);
  ExpectEnd(client, 1, absl::StatusCode::kOk);
}

}  // namespace
}  // namespace udsrpc::testing

// Holds the client to docs/PROTOCOL.md, as client_test.cc does. Here: what concerns streams, fragments and credit.
// Then, the rest.

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

using ClientS4_8_HalfClose = ClientStreamConformance;

TEST_F(ClientS4_8_HalfClose, IsSentOnceAndByClientsOnly) {
  Chat chat(*stub_);
  RawServerConnection client = Accept();
  ReceiveCall(client);
  EXPECT_TRUE(chat.stream.WritesDone());
  EXPECT_TRUE(chat.stream.WritesDone());
  EXPECT_FALSE(chat.stream.Write(Request("late")));
  ExpectBytes(client, SerializeFrame(HalfCloseFrame{.call = 1}));
  ASSERT_TRUE(client.Send(Hello() + End(1)));
  EXPECT_TRUE(chat.stream.Finish().ok());
  ExpectServedOn(client);
  ExpectStreamError(SerializeFrame(HalfCloseFrame{.call = 1}), "only a client");
}

using ClientS4_9_Initial = ClientStreamConformance;

TEST_F(ClientS4_9_Initial, ReachesTheCallerAheadOfMessages) {
  Chat chat(*stub_);
  RawServerConnection client = Accept();
  ReceiveCall(client);
  ASSERT_TRUE(client.Send(Hello() + Initial(1, "0100 6b 0100 76")));
  chat.stream.WaitForInitialMetadata();
  EXPECT_EQ(chat.context.server_initial_metadata().Get("k"), absl::string_view("v"));
  ASSERT_TRUE(client.Send(Message(1, Text("a")) + End(1)));
  EchoReply reply;
  EXPECT_TRUE(chat.stream.Read(reply));
  EXPECT_TRUE(chat.stream.Finish().ok());
}

TEST_F(ClientS4_9_Initial, TwiceOrLateOrAgainstTheRulesIsRefused) {
  ExpectStreamError(Initial(1, "") + Initial(1, ""), "twice, or late");
  ExpectStreamError(Message(1, "") + Initial(1, ""), "twice, or late");
  ExpectStreamError(First(1, 9, "") + Initial(1, ""), "twice, or late");
  ExpectStreamError(Initial(1, "0000 0000"), "metadata");
  ExpectStreamError(FromHex("0c000000 20 00 0000 01000000"), "head");
}

TEST_F(ClientS4_9_Initial, OverTheLimitIsACallError) {
  stub_ = NewStub({.max_metadata_bytes = 33});
  Chat chat(*stub_);
  RawServerConnection client = Accept();
  ReceiveCall(client);
  ASSERT_TRUE(client.Send(Hello() + Initial(1, "0100 6b 0100 76")));
  EchoReply reply;
  EXPECT_FALSE(chat.stream.Read(reply));
  EXPECT_EQ(chat.stream.Finish().code(), absl::StatusCode::kResourceExhausted);
  ExpectCancel(client, 1, absl::StatusCode::kResourceExhausted);
}

using ClientS4_10_Credit = ClientStreamConformance;

TEST_F(ClientS4_10_Credit, LetsTheClientSendSoMuchAndNoMore) {
  Chat chat(*stub_);
  RawServerConnection client = Accept();
  ReceiveCall(client);
  const EchoRequest request = RequestOfSize(1000);
  std::thread writer([&] {
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(chat.stream.Write(request));
  });
  const std::string frame = Message(1, request.SerializeAsString());
  for (int i = 0; i < 65; ++i) ExpectBytes(client, frame);
  EXPECT_FALSE(client.AnythingWithin(absl::Milliseconds(20)));
  EXPECT_TRUE(client.Send(Hello() + Credit(1, 1000 - 536 - 1)));
  EXPECT_FALSE(client.AnythingWithin(absl::Milliseconds(20)));
  EXPECT_TRUE(client.Send(Credit(1, 1)));
  ExpectBytes(client, frame);
  EXPECT_FALSE(client.AnythingWithin(absl::Milliseconds(20)));
  EXPECT_TRUE(client.Send(Credit(1, 1 << 20)));
  for (int i = 66; i < 100; ++i) ExpectBytes(client, frame);
  writer.join();
}

TEST_F(ClientS4_10_Credit, OfNothingOrOfTooMuchIsRefused) {
  ExpectStreamError(FromHex("10000000 04 00 0400 00000000 00000000"), "credit of 0");
  ExpectStreamError(FromHex("10000000 04 00 0400 01000000 00000000"), "credit of 0");
  ExpectStreamError(Credit(1, (1U << 30) - 65536 + 1), "more than 1073741824");
  ExpectStreamError(Credit(1, ~0U), "more than 1073741824");
  ExpectStreamError(Credit(0, (1U << 30) - 131072 + 1), "more than 1073741824");
  ExpectStreamError(Credit(0, 1U << 29) + Credit(0, 1U << 29), "more than 1073741824");
}

using ClientS6_Credit = ClientStreamConformance;

TEST_F(ClientS6_Credit, OfAServerThatDoesNotReadIsNotUsed) {
  ClientContext context;
  context.set_timeout(absl::Milliseconds(300));
  auto stream = stub_->Chat(context);
  RawServerConnection client = Accept();
  ReceiveCall(client);
  ASSERT_TRUE(client.Send(Hello() + Credit(0, 1U << 29) + Credit(1, 1U << 29)));
  const EchoRequest request = RequestOfSize(16000);
  size_t written = 0;
  while (stream.Write(request)) written += 16000;
  EXPECT_LT(written, size_t{1} << 20) << "no more than the socket takes";
  EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kDeadlineExceeded);
  // Nobody waits for anything now, and still the server is told.
  std::optional<ReceivedFrame> frame;
  do {
    frame = client.Receive();
    ASSERT_TRUE(frame.has_value());
  } while (frame->header.type == static_cast<uint8_t>(FrameType::kMessage));
  EXPECT_EQ(frame->header.type, static_cast<uint8_t>(FrameType::kCancel)) << frame->header.ToString();
}

TEST_F(ClientS6_Credit, WritersGoOnOnceTheServerReads) {
  Chat chat(*stub_);
  RawServerConnection client = Accept();
  ReceiveCall(client);
  ASSERT_TRUE(client.Send(Hello() + Credit(0, 1U << 29) + Credit(1, 1U << 29)));
  constexpr int kMessages = 300;
  const EchoRequest request = RequestOfSize(16000);
  std::thread writer([&] {
    for (int i = 0; i < kMessages; ++i) EXPECT_TRUE(chat.stream.Write(request)) << i;
  });
  const std::string frame = Message(1, request.SerializeAsString());
  for (int i = 0; i < kMessages; ++i) ExpectBytes(client, frame);
  writer.join();
}

TEST_F(ClientS6_Credit, OfTheConnectionIsGivenBackAtOnceAndOfTheCallAsItIsRead) {
  Chat chat(*stub_);
  RawServerConnection client = Accept();
  ReceiveCall(client);
  ASSERT_TRUE(client.Send(Hello()));
  const std::string frame = Message(1, RequestOfSize(8192).SerializeAsString());
  Echo other(*stub_, "reads for all");
  const uint32_t call = ReceiveCall(client)->id();
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(client.Send(frame));
  ExpectBytes(client, Credit(0, 65536));
  EXPECT_FALSE(client.AnythingWithin(absl::Milliseconds(20))) << "nobody has read the stream";
  ASSERT_TRUE(client.Send(Ok(call, "ho")));
  EXPECT_EQ(other.Reply(), "ho");
  EchoReply reply;
  EXPECT_TRUE(chat.stream.Read(reply));
  ExpectBytes(client, Credit(1, 65536));
}

TEST_F(ClientS6_Credit, OverrunOfTheCallsIsRefused) {
  const std::string frame = Message(1, RequestOfSize(8192).SerializeAsString());
  Chat chat(*stub_);
  RawServerConnection client = Accept();
  ReceiveCall(client);
  Echo other(*stub_, "reads for all");
  ReceiveCall(client);
  ASSERT_TRUE(client.Send(Hello()));
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(client.Send(frame));
  ExpectBytes(client, Credit(0, 65536));
  ASSERT_TRUE(client.Send(Message(1, "")));
  EXPECT_EQ(other.Wait().code(), absl::StatusCode::kUnavailable);
  ExpectGoaway(client, "credit that is left");
  EXPECT_EQ(chat.stream.Finish().code(), absl::StatusCode::kUnavailable);
  ExpectServedOnANewConnection();
}

// Whoever has the credit wakes the next, also where that one reads for all.
TEST_F(ClientS6_Credit, OfTheConnectionReachesAllThatWaitForIt) {
  constexpr int kStreams = 4;
  constexpr int kMessages = 200;
  const EchoRequest request = RequestOfSize(1000);
  std::vector<std::unique_ptr<Chat>> chats;
  RawServerConnection client;
  for (int i = 0; i < kStreams; ++i) {
    chats.push_back(std::make_unique<Chat>(*stub_));
    if (i == 0) client = Accept();
    ReceiveCall(client);
  }
  std::string credit = Hello();
  for (uint32_t call = 1; call <= kStreams; ++call) credit += Credit(call, 1 << 20);
  ASSERT_TRUE(client.Send(credit));
  std::vector<std::thread> writers;
  for (const auto& chat : chats) {
    writers.emplace_back([&, stream = &chat->stream] {
      for (int i = 0; i < kMessages; ++i) {
        if (!stream->Write(request)) return;
      }
    });
  }
  // The client is given a good deal when it has used all, and no more before it has used that.
  int left = kStreams * kMessages;
  for (int may = 131; left > 0 && !HasFailure(); may = 65) {
    may = std::min(may, left);
    left -= may;
    for (int i = 0; i < may && !HasFailure(); ++i) {
      const std::optional<ReceivedFrame> frame = client.Receive();
      EXPECT_TRUE(frame.has_value());
    }
    EXPECT_TRUE(client.Send(Credit(0, left == 800 - 131 ? 65000 - 72 : 65000)));
  }
  for (const auto& chat : chats) {
    if (HasFailure()) chat->context.Cancel();
  }
  for (std::thread& writer : writers) writer.join();
}

using ClientS7_States = ClientStreamConformance;

TEST_F(ClientS7_States, ThePageExchangeIsSpoken) {
  Chat chat(*stub_);
  RawServerConnection client = Accept();
  ReceiveCall(client);
  ASSERT_TRUE(client.Send(Hello() + Initial(1, "") + Message(1, Text("welcome"))));
  EchoReply reply;
  EXPECT_TRUE(chat.stream.Read(reply));
  EXPECT_EQ(reply.text(), "welcome");
  std::thread writer([&] { EXPECT_TRUE(chat.stream.WriteLast(Request(std::string(70000, 'x')))); });
  const ReceivedFrame first = Expect(client, FrameType::kMessage, 1);
  EXPECT_EQ(first.header.size, 65536U);
  EXPECT_EQ(first.header.flags, 0x06) << "MORE TOTAL";
  Echo echo(*stub_, "between");
  const uint32_t call = ReceiveCall(client)->id();
  EXPECT_TRUE(client.Send(Credit(0, 65536) + Credit(1, 65536)));
  const ReceivedFrame last = Expect(client, FrameType::kMessage, 1);
  EXPECT_EQ(last.header.flags, 0x01) << "HALF_CLOSE";
  EXPECT_TRUE(client.Send(Ok(call, "between") + End(1)));
  writer.join();
  EXPECT_EQ(echo.Reply(), "between");
  EXPECT_TRUE(chat.stream.Finish().ok());
}

}  // namespace
}  // namespace udsrpc::testing

// Holds the client to docs/PROTOCOL.md: each test is named after the section whose rules it checks, and plays the
// server over a raw socket, well or badly. Here: sections 4 to 4.2, what the client takes for frames and what it sends;
// client_answers_test.cc has the rest.

#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/src/wire/limits.h"
#include "gmock/gmock.h"
#include "tests/conformance/client_conformance.h"
#include "tests/support/hex.h"
#include "tests/support/raw_server.h"

namespace udsrpc::testing {
namespace {

using ::testing::HasSubstr;
using wire::CallFrame;
using wire::CancelFrame;
using wire::HelloFrame;
using wire::PingFrame;
using wire::SerializeFrame;

using ClientS4_Frames = ClientConformance;

TEST_F(ClientS4_Frames, AnyFirstPacketCutAnywhereIsRefused) {
  const std::string packet = Hello() + Ok(1, "hi");
  for (size_t cut = 1; cut < packet.size() && !HasFailure(); ++cut) {
    if (cut == Hello().size()) continue;
    ExpectConnectionError(absl::string_view(packet).substr(0, cut), "");
  }
}

TEST_F(ClientS4_Frames, APacketThatEndsBetweenFramesIsWhole) {
  Echo echo(*stub_, "hi");
  RawServerConnection client = Accept();
  const auto call = ReceiveCall(client);
  ASSERT_TRUE(client.Send(Hello()));
  ASSERT_TRUE(client.Send(Ok(call->id(), "ho")));
  EXPECT_EQ(echo.Reply(), "ho");
}

TEST_F(ClientS4_Frames, GarbageIsRefused) {
  for (const absl::string_view garbage :
       {"HTTP/1.1 400 Bad Request\r\n\r\n", "x", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"}) {
    ExpectConnectionError(garbage, "");
    ExpectConnectionError(absl::StrCat(Hello(), garbage), "");
  }
  ExpectConnectionError(std::string(1000, '\0'), "");
}

TEST_F(ClientS4_Frames, APacketOverTheLimitIsRefused) {
  Echo echo(*stub_, "hi");
  RawServerConnection client = Accept();
  ReceiveCall(client);
  ASSERT_TRUE(client.Send(Hello()));
  ASSERT_TRUE(client.Send(Ok(1, std::string(wire::kMaxPacketBytes, 'x'))));
  const absl::Status status = echo.Wait();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("larger than the protocol allows"));
  ExpectServedOnANewConnection();
}

TEST_F(ClientS4_Frames, UnknownTypesAreIgnoredWhereTheyMayBe) {
  const std::string ignorable = FromHex("0e000000 ff 55 0100 07000000 aabb");
  Echo echo(*stub_, "hi");
  RawServerConnection client = Accept();
  const auto call = ReceiveCall(client);
  ASSERT_TRUE(client.Send(Hello() + ignorable + Ok(call->id(), "ho") + ignorable));
  EXPECT_EQ(echo.Reply(), "ho");
  ExpectServedOn(client);
  ExpectConnectionError(Hello() + FromHex("0c000000 7f 00 0000 01000000"), "type is unknown");
}

TEST_F(ClientS4_Frames, OnlyTheClientSendsCallAndCancel) {
  ExpectConnectionError(Hello() + SerializeFrame(CallFrame{.call = 1, .path = "/a.b/C"}), "only a client");
  ExpectConnectionError(Hello() + SerializeFrame(CancelFrame{.call = 1, .code = 1}), "only a client");
}

TEST_F(ClientS4_Frames, UnknownFlagsAreRefused) {
  ExpectConnectionError(Hello() + FromHex("0c000000 21 21 0000 01000000"), "flags");
  ExpectConnectionError(Hello() + FromHex("10000000 02 01 0400 00000000 00000000"), "flags");
}

TEST_F(ClientS4_Frames, WhatIsBehindAHeadsFieldsIsIgnored) {
  std::string hello = Hello() + "later";
  hello[0] = static_cast<char>(hello.size());
  hello[6] = static_cast<char>(hello.size() - wire::FrameHeader::kBytes);
  Echo echo(*stub_, "hi");
  RawServerConnection client = Accept();
  ReceiveCall(client);
  // STATUS: 2 bytes of head behind no fields, and the reply "ho".
  ASSERT_TRUE(client.Send(hello + FromHex("12000000 21 01 0200 01000000 ffff 0a02686f")));
  EXPECT_EQ(echo.Reply(), "ho");
}

TEST_F(ClientS4_Frames, AnswersShareAPacketInAnyOrder) {
  std::vector<std::unique_ptr<Echo>> echoes;
  for (int i = 0; i < 8; ++i) echoes.push_back(std::make_unique<Echo>(*stub_, absl::StrCat("echo ", i)));
  RawServerConnection client = Accept();
  std::string answers;
  for (size_t i = 0; i < echoes.size(); ++i) {
    const auto call = ReceiveCall(client);
    answers = Ok(call->id(), call->text()) + answers;
  }
  ASSERT_TRUE(client.Send(Hello() + answers));
  for (size_t i = 0; i < echoes.size(); ++i) EXPECT_EQ(echoes[i]->Reply(), absl::StrCat("echo ", i));
}

using ClientS4_1_Hello = ClientConformance;

TEST_F(ClientS4_1_Hello, ComesWithTheFirstCallAndSaysTheClientsLimits) {
  stub_ = NewStub({.max_receive_message_bytes = 1000, .max_metadata_bytes = 2000});
  Echo echo(*stub_, "hi");
  RawServerConnection client = server_.Accept();
  const std::string packet = client.ReceivePacket();
  wire::PacketReader reader(packet);
  const absl::StatusOr<HelloFrame> hello = HelloFrame::Parse(*reader.Next());
  ASSERT_TRUE(hello.ok()) << hello.status();
  EXPECT_EQ(*hello, (HelloFrame{.version = 1, .min_version = 1, .max_metadata = 2000, .max_message = 1000}));
  ASSERT_FALSE(reader.done()) << "the call waits for the server's HELLO";
  EXPECT_TRUE(CallFrame::Parse(*reader.Next()).ok());
}

TEST_F(ClientS4_1_Hello, ComesFirstAndOnce) {
  ExpectConnectionError(Ok(1, "hi"), "before HELLO");
  ExpectConnectionError(SerializeFrame(PingFrame{.token = 1}), "before HELLO");
  ExpectConnectionError(FromHex("0c000000 ff 00 0000 00000000"), "before HELLO");
  ExpectConnectionError(Hello() + Hello(), "twice");
}

TEST_F(ClientS4_1_Hello, OfNoVersionInCommonIsRefused) {
  const HelloFrame later{.version = 3, .min_version = 2, .max_message = 1};
  ExpectConnectionError(SerializeFrame(later), "versions 2 to 3");
  const HelloFrame no_range{.version = 1, .min_version = 2, .max_message = 1};
  ExpectConnectionError(SerializeFrame(no_range), "no range");
  const HelloFrame from_zero{.version = 1, .min_version = 0, .max_message = 1};
  ExpectConnectionError(SerializeFrame(from_zero), "no range");
}

TEST_F(ClientS4_1_Hello, WithoutTheMagicIsRefused) {
  std::string hello = Hello();
  hello[wire::FrameHeader::kBytes] = 'u';
  ExpectConnectionError(hello, "magic");
}

TEST_F(ClientS4_1_Hello, ThatNeverComesEndsCallsAtTheirDeadline) {
  Echo echo(*stub_, "hi", absl::Milliseconds(20));
  RawServerConnection client = Accept();
  const auto call = ReceiveCall(client);
  EXPECT_EQ(echo.Wait().code(), absl::StatusCode::kDeadlineExceeded);
  ExpectCancel(client, call->id(), absl::StatusCode::kDeadlineExceeded);
}

using ClientS4_2_Call = ClientConformance;

TEST_F(ClientS4_2_Call, SendsAPathOnceAndItsNumberFromThenOn) {
  Echo first(*stub_, "first");
  RawServerConnection client = Accept();
  auto call = ReceiveCall(client);
  EXPECT_EQ(call->frame.method, 1U);
  EXPECT_EQ(std::string(call->frame.path), "/udsrpc.testing.Test/Echo");
  EXPECT_TRUE(call->frame.half_close && call->frame.has_message);
  EXPECT_EQ(call->text(), "first");
  ASSERT_TRUE(client.Send(Hello() + Ok(call->id(), "")));
  EXPECT_EQ(first.Reply(), "");

  Echo again(*stub_, "again");
  call = ReceiveCall(client);
  EXPECT_EQ(call->frame.method, 1U);
  EXPECT_EQ(std::string(call->frame.path), "");
  ASSERT_TRUE(client.Send(Ok(call->id(), "")));
  EXPECT_EQ(again.Reply(), "");

  std::thread other([this] {
    ClientContext context;
    context.set_timeout(kPatience);
    EchoReply reply;
    EXPECT_TRUE(stub_->Throw(context, EchoRequest(), reply).ok());
  });
  call = ReceiveCall(client);
  EXPECT_EQ(call->frame.method, 2U);
  EXPECT_EQ(std::string(call->frame.path), "/udsrpc.testing.Test/Throw");
  EXPECT_TRUE(client.Send(Ok(call->id(), "")));
  other.join();
}

TEST_F(ClientS4_2_Call, GivesNoNumberBeyondTheLimit) {
  const std::shared_ptr<Channel> channel = *CreateChannel(target_, {.transport = Transport::kSeqpacket});
  std::thread caller([&channel] {
    for (uint32_t i = 1; i <= wire::kMaxMethodNumbers + 2; ++i) {
      const std::string path = absl::StrCat("/a.b/C", i);
      ClientContext context;
      context.set_timeout(kPatience);
      EchoReply reply;
      const absl::Status status = channel->UnaryCall({path.c_str(), MethodKind::kUnary}, context, EchoRequest(), reply);
      ASSERT_TRUE(status.ok()) << status;
    }
  });
  RawServerConnection client = Accept();
  EXPECT_TRUE(client.Send(Hello()));
  for (uint32_t i = 1; i <= wire::kMaxMethodNumbers + 2; ++i) {
    const auto call = ReceiveCall(client);
    EXPECT_EQ(std::string(call->frame.path), absl::StrCat("/a.b/C", i));
    EXPECT_EQ(call->frame.method, i <= wire::kMaxMethodNumbers ? i : 0);
    if (!client.Send(Ok(call->id(), ""))) break;
  }
  caller.join();
}

TEST_F(ClientS4_2_Call, CarriesTheTimeoutThatIsLeft) {
  Echo echo(*stub_, "hi", absl::Seconds(10));
  RawServerConnection client = Accept();
  const auto call = ReceiveCall(client);
  ASSERT_TRUE(call->frame.timeout_us.has_value());
  EXPECT_LE(*call->frame.timeout_us, 10'000'000U);
  EXPECT_GT(*call->frame.timeout_us, 1'000'000U);
}

TEST_F(ClientS4_2_Call, HasNoTimeoutWithoutADeadline) {
  Echo echo(*stub_, "hi", absl::InfiniteDuration());  // cancelled at the end, at the latest
  RawServerConnection client = Accept();
  EXPECT_FALSE(ReceiveCall(client)->frame.timeout_us.has_value());
}

TEST_F(ClientS4_2_Call, NumbersAreNotUsedAgainBeforeTheirStatus) {
  RawServerConnection client;
  std::set<uint32_t> open;
  for (int i = 0; i < 10; ++i) {
    Echo echo(*stub_, "hi");
    if (i == 0) client = Accept();
    const uint32_t id = ReceiveCall(client)->id();
    EXPECT_NE(id, 0U);
    EXPECT_TRUE(open.insert(id).second) << id << " is open";
    echo.context().Cancel();
    EXPECT_EQ(echo.Wait().code(), absl::StatusCode::kCancelled);
    ExpectCancel(client, id, absl::StatusCode::kCancelled);
  }
}

}  // namespace
}  // namespace udsrpc::testing

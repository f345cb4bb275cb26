#include "common/src/stream/inbound_messages.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/src/stream/message_reader.h"
#include "common/src/wire/limits.h"
#include "gtest/gtest.h"
#include "tests/proto/testing.pb.h"

namespace udsrpc {
namespace {

using testing::EchoReply;
using Outcome = MessageReader::Outcome;

std::string Bytes(const std::string& text) {
  EchoReply message;
  message.set_text(text);
  return message.SerializeAsString();
}

absl::Status Receive(InboundMessages& inbound, absl::string_view body) {
  return inbound.OnMessage({.call = 1, .message = body}, wire::FrameHeader::kBytes + body.size());
}

class InboundMessagesTest : public ::testing::Test {
 protected:
  Outcome Read(EchoReply& message) {
    return reader_.Read(message, [this](ByteQueue& into) { return inbound_.Take(into); });
  }

  InboundMessages inbound_{100};
  MessageReader reader_;
};

TEST_F(InboundMessagesTest, ComeInOrder) {
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(Receive(inbound_, Bytes(std::to_string(i))).ok());
  EchoReply message;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(Read(message), Outcome::kMessage);
    EXPECT_EQ(message.text(), std::to_string(i));
  }
  EXPECT_EQ(Read(message), Outcome::kEnd);
}

MessageFds Fds(int count, const std::shared_ptr<internal::FdCount>& untaken) {
  EXPECT_TRUE(untaken->Add(static_cast<size_t>(count)));
  return {.fds = internal::IncomingFds(std::vector<UniqueFd>(static_cast<size_t>(count)), untaken), .lost = {}};
}

class InboundFdsTest : public InboundMessagesTest {
 protected:
  absl::Status Receive(const wire::MessageFrame& frame, MessageFds fds) {
    return inbound_.OnMessage(frame, 12 + frame.message.size(), {}, &fds);
  }

  const std::shared_ptr<internal::FdCount> untaken_ = std::make_shared<internal::FdCount>(100);
  const std::string body_ = Bytes("text");
};

TEST_F(InboundFdsTest, AreThereForTheirMessages) {
  for (const int count : {2, 0, 1, 0, 0, 3}) {
    ASSERT_TRUE(Receive({.call = 1, .message = body_}, Fds(count, untaken_)).ok());
  }
  EXPECT_EQ(untaken_->count(), 6U);
  EchoReply message;
  size_t left = 6;
  for (const size_t count : {2, 0, 1, 0, 0, 3}) {
    ASSERT_EQ(Read(message), Outcome::kMessage);
    EXPECT_EQ(message.text(), "text");
    EXPECT_EQ(reader_.has_fds(), count > 0);
    if (count == 0) continue;
    EXPECT_EQ(inbound_.TakeFds().Take().size(), count);
    left -= count;
    EXPECT_EQ(untaken_->count(), left);
  }
  EXPECT_TRUE(inbound_.TakeFds().empty());
}

TEST_F(InboundFdsTest, ComeWithTheFirstFragment) {
  const absl::string_view body = body_;
  ASSERT_TRUE(
      Receive({.call = 1, .more = true, .total = body.size(), .message = body.substr(0, 2), .fds = 1}, Fds(1, untaken_))
          .ok());
  ASSERT_TRUE(Receive({.call = 1, .more = true, .message = body.substr(2, 1)}, {}).ok());
  ASSERT_TRUE(Receive({.call = 1, .message = body.substr(3)}, {}).ok());
  EchoReply message;
  ASSERT_EQ(Read(message), Outcome::kMessage);
  EXPECT_TRUE(reader_.has_fds());
  EXPECT_EQ(inbound_.TakeFds().Take().size(), 1U);

  ASSERT_TRUE(Receive({.call = 1, .more = true, .total = body.size(), .message = body.substr(0, 2)}, {}).ok());
  const absl::Status late = Receive({.call = 1, .message = body.substr(2), .fds = 1}, Fds(1, untaken_));
  EXPECT_EQ(late.code(), absl::StatusCode::kInvalidArgument) << late;
  EXPECT_EQ(untaken_->count(), 0U);
}

TEST_F(InboundFdsTest, AMessageThatHasLostThemIsTheLast) {
  ASSERT_TRUE(Receive({.call = 1, .message = body_}, Fds(1, untaken_)).ok());
  ASSERT_TRUE(
      Receive({.call = 1, .message = body_, .fds = 1}, {.fds = {}, .lost = absl::ResourceExhaustedError("lost")}).ok());
  ASSERT_TRUE(Receive({.call = 1, .message = body_}, Fds(2, untaken_)).ok());
  EXPECT_EQ(inbound_.exhausted().message(), "lost");
  EXPECT_FALSE(inbound_.oversized());
  EXPECT_EQ(untaken_->count(), 1U);
  EchoReply message;
  EXPECT_EQ(Read(message), Outcome::kMessage);
  EXPECT_EQ(inbound_.TakeFds().Take().size(), 1U);
  EXPECT_EQ(Read(message), Outcome::kEnd);
}

TEST_F(InboundFdsTest, AreClosedWhenMessagesAreDiscarded) {
  ASSERT_TRUE(Receive({.call = 1, .message = body_}, Fds(2, untaken_)).ok());
  inbound_.OnInlineMessage(body_);
  inbound_.Discard();
  EXPECT_EQ(untaken_->count(), 0U);
  ASSERT_TRUE(Receive({.call = 1, .message = body_}, Fds(2, untaken_)).ok());
  EXPECT_EQ(untaken_->count(), 0U);
  EXPECT_TRUE(inbound_.TakeFds().empty());
}

TEST_F(InboundMessagesTest, ReplaceWhatTheMessageHeld) {
  ASSERT_TRUE(Receive(inbound_, "").ok());
  EchoReply message;
  message.set_text("before");
  ASSERT_EQ(Read(message), Outcome::kMessage);
  EXPECT_EQ(message.text(), "");
}

TEST_F(InboundMessagesTest, GoOnBehindOneThatDoesNotParse) {
  ASSERT_TRUE(Receive(inbound_, "\xff\xff").ok());
  ASSERT_TRUE(Receive(inbound_, Bytes("next")).ok());
  EchoReply message;
  EXPECT_EQ(Read(message), Outcome::kMalformed);
  ASSERT_EQ(Read(message), Outcome::kMessage);
  EXPECT_EQ(message.text(), "next");
}

TEST_F(InboundMessagesTest, OverTheLimitAreFoundBehindWhatCameBefore) {
  ASSERT_TRUE(Receive(inbound_, Bytes("before")).ok());
  EXPECT_TRUE(Receive(inbound_, std::string(100, '\xff')).ok());
  EXPECT_TRUE(inbound_.exhausted().ok());
  EXPECT_TRUE(Receive(inbound_, std::string(101, 'x')).ok());
  EXPECT_TRUE(Receive(inbound_, Bytes("behind")).ok());
  EXPECT_EQ(inbound_.exhausted().code(), absl::StatusCode::kResourceExhausted);
  EchoReply message;
  ASSERT_EQ(Read(message), Outcome::kMessage);
  EXPECT_EQ(message.text(), "before");
  EXPECT_EQ(Read(message), Outcome::kMalformed);
  EXPECT_EQ(Read(message), Outcome::kEnd);
}

TEST_F(InboundMessagesTest, ThatAreWantedWholeGiveCreditBackAsTheyCome) {
  InboundMessages inbound(1 << 20);
  const std::string fragment(8180, 'x');
  ASSERT_TRUE(inbound.OnMessage({.more = true, .total = 100 * fragment.size(), .message = fragment}, 8200).ok());
  EXPECT_TRUE(inbound.InLongMessage());
  inbound.ReleaseAtOnce();
  for (int i = 1; i < 100; ++i) {
    inbound.Grant();
    ASSERT_TRUE(inbound.OnMessage({.more = i < 99, .message = fragment}, 8192).ok()) << i;
  }
  EXPECT_TRUE(inbound.HasWholeMessage());
  // Those behind it have to be taken again.
  size_t behind = 0;
  for (;; behind += 8192) {
    inbound.Grant();
    if (!inbound.OnMessage({.message = fragment}, 8192).ok()) break;
    ASSERT_LT(behind, size_t{4} << 20);
  }
  EXPECT_LE(behind, 4 * wire::kMaxPacketBytes);
}

TEST_F(InboundMessagesTest, GiveCreditBackAsTheyAreTaken) {
  const std::string body(88, 'x');
  size_t came = 0;
  while (came + 100 <= wire::kInitialCallCredit) {
    ASSERT_TRUE(Receive(inbound_, body).ok());
    came += 100;
  }
  EXPECT_EQ(Receive(inbound_, body).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(inbound_.Grant(), 0U);
  ByteQueue taken;
  ASSERT_TRUE(inbound_.Take(taken));
  EXPECT_EQ(inbound_.Grant(), came);
}

TEST_F(InboundMessagesTest, ThatAreEmptyCostCreditToo) {
  size_t count = 0;
  while (Receive(inbound_, "").ok()) ++count;
  EXPECT_EQ(count, wire::kInitialCallCredit / wire::FrameHeader::kBytes);
}

TEST_F(InboundMessagesTest, GiveCreditBackWhenNobodyWantsThem) {
  ASSERT_TRUE(Receive(inbound_, Bytes("a")).ok());
  inbound_.Discard();
  EXPECT_TRUE(inbound_.empty());
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(Receive(inbound_, std::string(88, 'x')).ok());
    inbound_.Grant();
  }
}

struct Wrong {
  const char* name;
  wire::MessageFrame first;
  wire::MessageFrame second;
};

TEST_F(InboundMessagesTest, InFragmentsThatDoNotFitAreConnectionErrors) {
  const std::string ten(10, 'x');
  const Wrong wrongs[] = {
      {"more than the total", {.more = true, .total = 19, .message = ten}, {.message = ten}},
      {"less than the total", {.more = true, .total = 21, .message = ten}, {.message = ten}},
      {"a total within", {.more = true, .total = 30, .message = ten}, {.more = true, .total = 30, .message = ten}},
      {"more in the first", {.more = true, .total = 9, .message = ten}, {}},
      {"no total", {.more = true, .message = ten}, {}},
  };
  for (const Wrong& wrong : wrongs) {
    InboundMessages inbound(100);
    absl::Status status = inbound.OnMessage(wrong.first, 22);
    if (status.ok()) status = inbound.OnMessage(wrong.second, 22);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << wrong.name;
  }
}

}  // namespace
}  // namespace udsrpc

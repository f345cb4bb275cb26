// A message from FragmentOutput to InboundMessages and MessageReader, frame by frame, as the two ends of a connection
// have it between them.

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "common/src/stream/fragment_output.h"
#include "common/src/stream/inbound_messages.h"
#include "common/src/stream/message_reader.h"
#include "common/src/wire/stream_frame.h"
#include "gtest/gtest.h"
#include "tests/proto/testing.pb.h"

namespace udsrpc {
namespace {

using testing::EchoReply;
using testing::LookReply;

constexpr size_t kLimit = 64 << 20;

absl::Status Receive(const std::string& packet, InboundMessages& inbound) {
  wire::PacketReader reader(packet);
  const absl::StatusOr<wire::RawFrame> raw = reader.Next();
  if (!raw.ok()) return raw.status();
  EXPECT_TRUE(reader.done());
  const absl::StatusOr<wire::MessageFrame> frame = wire::MessageFrame::Parse(*raw);
  if (!frame.ok()) return frame.status();
  EXPECT_EQ(frame->call, 7U);
  return inbound.OnMessage(*frame, raw->header.size);
}

// Takes fragments as a connection would, with credit that it gets back from `inbound`, of which it uses at most as much
// at a time as told, in turn.
class Sink final : public FragmentSink {
 public:
  explicit Sink(std::vector<size_t> most) : most_(std::move(most)) {}

  size_t AwaitCredit(size_t wanted) override {
    const size_t least = std::min(wanted, wire::kMinFragmentBytes);
    EXPECT_GE(credit_.available(), least) << "the sender would wait for ever";
    if (credit_.available() < least) return 0;
    const size_t most = std::max(most_[turn_++ % most_.size()], least);
    const size_t credit = std::min({wanted, most, credit_.available(), wire::kMaxPacketBytes});
    credit_.Use(credit);
    return credit;
  }

  bool SendFragment(wire::PacketQueue::Packet fragment) override {
    if (fragments.size() == fail_at) {
      ReturnCredit(fragment.bytes().size());
      return false;
    }
    fragments.emplace_back(fragment.bytes());
    if (!receives) return true;
    const absl::Status status = Receive(fragments.back(), inbound);
    EXPECT_TRUE(status.ok()) << status;
    inbound.Take(taken.emplace_back());
    if (const uint32_t credit = inbound.Grant(); credit > 0) {
      EXPECT_TRUE(credit_.Add(credit).ok());
    }
    return status.ok();
  }

  void ReturnCredit(size_t bytes) override { credit_.Return(bytes); }
  size_t available() const { return credit_.available(); }

  std::deque<std::string> fragments;
  size_t fail_at = SIZE_MAX;
  bool receives = true;
  InboundMessages inbound{kLimit};
  std::deque<ByteQueue> taken;

 private:
  const std::vector<size_t> most_;
  size_t turn_ = 0;
  SendCredit credit_{wire::kInitialCallCredit};
};

bool SendTo(Sink& sink, const google::protobuf::MessageLite& message) {
  const size_t size = message.ByteSizeLong();
  return FragmentOutput::Send(7, message, size, true, nullptr, sink.AwaitCredit(size + wire::FrameHeader::kBytes),
                              sink);
}

// Reads fragment by fragment what the sink has taken.
MessageReader::Outcome ReadFrom(Sink& sink, MessageReader& reader, google::protobuf::MessageLite& message) {
  return reader.Read(message, [&sink](ByteQueue& into) {
    if (sink.taken.empty()) return false;
    into.Splice(sink.taken.front());
    sink.taken.pop_front();
    return true;
  });
}

EchoReply Text(size_t bytes) {
  EchoReply message;
  message.mutable_text()->resize(bytes);
  for (size_t i = 0; i < bytes; ++i) (*message.mutable_text())[i] = static_cast<char>('a' + i % 23);
  return message;
}

void ExpectRoundTrip(Sink& sink, const google::protobuf::MessageLite& sent, google::protobuf::MessageLite& got) {
  ASSERT_TRUE(SendTo(sink, sent));
  EXPECT_TRUE(sink.inbound.AtMessageEnd());
  MessageReader reader;
  ASSERT_EQ(ReadFrom(sink, reader, got), MessageReader::Outcome::kMessage);
  EXPECT_EQ(got.SerializeAsString(), sent.SerializeAsString());
  EXPECT_TRUE(sink.taken.empty());
}

TEST(LongMessageTest, ArrivesWhateverItsSizeAndTheCreditAre) {
  const std::vector<std::vector<size_t>> credits{{wire::kMaxPacketBytes}, {0}, {8192, 65536, 9000}, {8193}, {20000}};
  std::vector<size_t> sizes{1 << 20, 5 << 20};
  for (size_t size = 65500; size < 65560; ++size) sizes.push_back(size);
  for (size_t size = 131020; size < 131080; ++size) sizes.push_back(size);
  for (const std::vector<size_t>& credit : credits) {
    for (const size_t size : sizes) {
      Sink sink(credit);
      EchoReply got;
      SCOPED_TRACE(::testing::Message() << size << " bytes, credit " << credit[0]);
      ExpectRoundTrip(sink, Text(size), got);
    }
  }
}

TEST(LongMessageTest, OfManySmallFieldsArrives) {
  LookReply sent;
  for (int i = 0; i < 40000; ++i) {
    auto& pair = *sent.add_metadata();
    pair.set_key(std::to_string(i));
    pair.set_value(std::string(static_cast<size_t>(i % 40), 'v'));
  }
  sent.set_method("m");
  for (const size_t credit : {size_t{8192}, size_t{8199}, wire::kMaxPacketBytes}) {
    Sink sink({credit});
    LookReply got;
    ExpectRoundTrip(sink, sent, got);
  }
}

TEST(LongMessageTest, IsGivenUpWhenItsCallEnds) {
  Sink sink({20000});
  sink.fail_at = 2;
  sink.receives = false;
  EXPECT_FALSE(SendTo(sink, Text(1 << 20)));
  EXPECT_EQ(sink.fragments.size(), 2U);
  EXPECT_EQ(sink.available(), wire::kInitialCallCredit - sink.fragments[0].size() - sink.fragments[1].size());
}

TEST(LongMessageTest, OverTheLimitIsKnownFromItsFirstFragment) {
  Sink sink({20000});
  sink.fail_at = 1;
  sink.receives = false;
  SendTo(sink, Text(200000));
  InboundMessages inbound(199999);
  EXPECT_TRUE(Receive(sink.fragments[0], inbound).ok());
  EXPECT_EQ(inbound.exhausted().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(inbound.empty());
}

TEST(LongMessageTest, ThatIsCutEndsItsReading) {
  Sink sink({20000});
  sink.fail_at = 2;
  EXPECT_FALSE(SendTo(sink, Text(200000)));
  MessageReader reader;
  EchoReply got;
  EXPECT_EQ(ReadFrom(sink, reader, got), MessageReader::Outcome::kEnd);
}

TEST(LongMessageTest, ThatDoesNotParseIsReadOver) {
  Sink sink({20000});
  EchoReply wrong = Text(200000);
  (*wrong.mutable_text())[100000] = '\xff';  // no UTF-8
  ASSERT_TRUE(SendTo(sink, wrong));
  ASSERT_TRUE(SendTo(sink, Text(3000)));
  MessageReader reader;
  EchoReply got;
  EXPECT_EQ(ReadFrom(sink, reader, got), MessageReader::Outcome::kMalformed);
  ASSERT_EQ(ReadFrom(sink, reader, got), MessageReader::Outcome::kMessage);
  EXPECT_EQ(got.text().size(), 3000U);
}

}  // namespace
}  // namespace udsrpc

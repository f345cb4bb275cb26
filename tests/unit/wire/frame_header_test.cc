#include "common/src/wire/frame_header.h"

#include <string>

#include "gtest/gtest.h"
#include "tests/support/hex.h"

namespace udsrpc::wire {
namespace {

using testing::FromHex;
using testing::ToHex;

TEST(FrameHeader, HasTheBytesThatTheProtocolSays) {
  const FrameHeader header{.size = 0x01020304, .type = 0x10, .flags = 0x03, .head_size = 0x0506, .call = 0x0708090a};
  std::string bytes(FrameHeader::kBytes, '\0');
  header.Serialize(bytes.data());
  EXPECT_EQ(ToHex(bytes), "04 03 02 01 10 03 06 05 0a 09 08 07");
}

TEST(FrameHeader, ReadsWhatItWrote) {
  const std::string bytes = FromHex("0e000000 10 03 0200 01000000 aabb");
  const absl::StatusOr<FrameHeader> header = FrameHeader::Parse(bytes);
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(*header, (FrameHeader{.size = 14, .type = 0x10, .flags = 3, .head_size = 2, .call = 1}));
  EXPECT_EQ(header->ToString(), "CALL call=1 flags=0x03 size=14 head=2");
}

TEST(FrameHeader, RefusesSizesThatCannotBe) {
  for (const absl::string_view hex : {
           "",
           "0c000000 10 00 0000 010000",            // cut
           "0d000000 10 00 0000 01000000",          // larger than the packet
           "0b000000 10 00 0000 01000000",          // smaller than a header
           "00000000 10 00 0000 01000000",          // zero
           "0d000000 10 00 0200 01000000 00",       // smaller than header and head
           "ffffffff 10 00 ffff 01000000 00000000"  // as large as can be
       }) {
    EXPECT_EQ(FrameHeader::Parse(FromHex(hex)).status().code(), absl::StatusCode::kInvalidArgument) << hex;
  }
}

TEST(PacketReader, GivesEachFrameOfAPacket) {
  const std::string packet = FromHex("0e000000 10 00 0100 01000000 aabb  0c000000 21 00 0000 02000000");
  PacketReader reader(packet);
  ASSERT_FALSE(reader.done());
  absl::StatusOr<RawFrame> first = reader.Next();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->header.call, 1U);
  EXPECT_EQ(ToHex(first->head), "aa");
  EXPECT_EQ(ToHex(first->body), "bb");
  ASSERT_FALSE(reader.done());
  absl::StatusOr<RawFrame> second = reader.Next();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->header.call, 2U);
  EXPECT_TRUE(second->head.empty());
  EXPECT_TRUE(second->body.empty());
  EXPECT_TRUE(reader.done());
}

TEST(PacketReader, RefusesBytesThatAreLeftOver) {
  const std::string packet = FromHex("0c000000 21 00 0000 02000000 00");
  PacketReader reader(packet);
  ASSERT_TRUE(reader.Next().ok());
  EXPECT_FALSE(reader.Next().ok());
}

TEST(FrameTypeName, NamesUnknownTypesByNumber) {
  EXPECT_EQ(FrameTypeName(0x01), "HELLO");
  EXPECT_EQ(FrameTypeName(0x7f), "frame type 0x7f");
}

}  // namespace
}  // namespace udsrpc::wire

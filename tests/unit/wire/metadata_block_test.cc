#include "common/src/wire/metadata_block.h"

#include <string>

#include "gtest/gtest.h"
#include "tests/support/hex.h"

namespace udsrpc::wire {
namespace {

using testing::FromHex;
using testing::ToHex;

TEST(MetadataBlock, HasTheBytesThatTheProtocolSays) {
  Metadata metadata;
  ASSERT_TRUE(metadata.Add("k", "v").ok());
  ASSERT_TRUE(metadata.Add("a-bin", absl::string_view("\x00\xff", 2)).ok());
  std::string block;
  ASSERT_TRUE(SerializeMetadata(metadata, block).ok());
  EXPECT_EQ(ToHex(block), ToHex(FromHex("0100 6b 0100 76  0500 612d62696e 0200 00ff")));
  Metadata parsed;
  ASSERT_TRUE(ParseMetadata(block, parsed).ok());
  EXPECT_EQ(parsed, metadata);
}

TEST(MetadataBlock, NoneIsNoBytes) {
  std::string block = "left over";
  ASSERT_TRUE(SerializeMetadata(Metadata(), block).ok());
  EXPECT_TRUE(block.empty());
}

TEST(MetadataBlock, KeepsTheOrderOfRepeatedKeys) {
  Metadata metadata;
  for (const absl::string_view value : {"3", "1", "2"}) ASSERT_TRUE(metadata.Add("k", value).ok());
  std::string block;
  ASSERT_TRUE(SerializeMetadata(metadata, block).ok());
  Metadata parsed;
  ASSERT_TRUE(ParseMetadata(block, parsed).ok());
  EXPECT_EQ(parsed, metadata);
}

TEST(MetadataBlock, RefusesWhatMetadataForbids) {
  for (const absl::string_view hex : {
           "0000 0000",               // empty key
           "0100 4b 0000",            // upper case
           "0100 20 0000",            // a space in a key
           "0600 677270632d78 0000",  // grpc-x
           "0100 6b 0100 0a",         // a newline in an ASCII value
           "0100 6b 0200 76",         // cut
           "0100",
       }) {
    Metadata metadata;
    EXPECT_EQ(ParseMetadata(FromHex(hex), metadata).code(), absl::StatusCode::kInvalidArgument) << hex;
  }
}

TEST(MetadataBlock, RefusesMoreThanAFrameCarries) {
  Metadata metadata;
  ASSERT_TRUE(metadata.Add("k-bin", std::string(70000, 'x')).ok());
  std::string block;
  EXPECT_EQ(SerializeMetadata(metadata, block).code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace udsrpc::wire

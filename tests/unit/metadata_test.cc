#include "udsrpc/metadata.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace udsrpc {
namespace {

TEST(Metadata, KeepsEntriesInOrderAndKeysInLowerCase) {
  Metadata metadata;
  ASSERT_TRUE(metadata.Add("B", "1").ok());
  ASSERT_TRUE(metadata.Add("a", "2").ok());
  ASSERT_TRUE(metadata.Add("b", "3").ok());
  EXPECT_EQ(std::vector<Metadata::Entry>(metadata.begin(), metadata.end()),
            (std::vector<Metadata::Entry>{{"b", "1"}, {"a", "2"}, {"b", "3"}}));
  EXPECT_EQ(metadata.Get("b"), "1");
  EXPECT_EQ(metadata.Get("B"), "1");
  EXPECT_EQ(metadata.Get("c"), std::nullopt);
  EXPECT_EQ(metadata.ByteSize(), 3 * (1 + 1 + 32U));
}

TEST(Metadata, TakesAnyBytesUnderABinaryKey) {
  Metadata metadata;
  const std::string bytes("\0\xff\n", 3);
  ASSERT_TRUE(metadata.Add("x-bin", bytes).ok());
  EXPECT_EQ(metadata.Get("x-bin"), bytes);
}

TEST(Metadata, RefusesWhatGrpcForbidsAndNamesTheKey) {
  const struct {
    absl::string_view key, value, rule;
  } cases[] = {
      {"", "v", "empty"},          {"a b", "v", "allowed"},     {":path", "v", "allowed"},
      {"grpc-x", "v", "reserved"}, {"GRPC-X", "v", "reserved"}, {"te", "v", "reserved"},
      {"k", "\n", "-bin"},         {"k", "\x7f", "-bin"},       {"k", "h\xc3\xa9", "-bin"},
  };
  for (const auto& c : cases) {
    Metadata metadata;
    const absl::Status status = metadata.Add(c.key, c.value);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.key;
    EXPECT_NE(status.message().find(c.rule), absl::string_view::npos) << status;
    EXPECT_TRUE(metadata.empty());
  }
}

}  // namespace
}  // namespace udsrpc

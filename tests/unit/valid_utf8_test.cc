#include "common/src/valid_utf8.h"

#include "gtest/gtest.h"

namespace udsrpc {
namespace {

constexpr char kReplaced[] = "\xef\xbf\xbd";

TEST(ValidUtf8Test, WhatIsValidStaysAsItIs) {
  // Of one to four bytes, and the first and last of each length.
  const std::string text =
      "a\x7f \xc2\x80\xdf\xbf \xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf "
      "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf";
  EXPECT_EQ(ValidUtf8(text, 100), text);
  EXPECT_EQ(ValidUtf8("", 100), "");
  const std::string with_nul("a\0b", 3);
  EXPECT_EQ(ValidUtf8(with_nul, 100), with_nul);
}

TEST(ValidUtf8Test, BytesOfNoCharacterAreReplaced) {
  EXPECT_EQ(ValidUtf8("a\xff"
                      "b",
                      100),
            std::string("a") + kReplaced + "b");
  for (const char* bytes : {
           "\x80",              // nothing that it continues
           "\xc2",              // cut
           "\xc0\xaf",          // longer than need be
           "\xe0\x9f\xbf",      // likewise
           "\xe2\x82",          // cut
           "\xed\xa0\x80",      // a surrogate
           "\xf0\x8f\xbf\xbf",  // longer than need be
           "\xf4\x90\x80\x80",  // above U+10FFFF
           "\xf5\x80\x80\x80",  // likewise
           "\xf0\x90\x80",      // cut
       }) {
    std::string replaced;
    for (const char* byte = bytes; *byte != '\0'; ++byte) replaced += kReplaced;
    EXPECT_EQ(ValidUtf8(bytes, 100), replaced);
    EXPECT_EQ(ValidUtf8(std::string(bytes) + "a", 100), replaced + "a");
  }
}

TEST(ValidUtf8Test, WhatIsTooLongIsCutBehindACharacter) {
  EXPECT_EQ(ValidUtf8("12345678", 8), "12345678");
  EXPECT_EQ(ValidUtf8("123456789", 8), "12345...");
  EXPECT_EQ(ValidUtf8("1234\xc3\xa4"
                      "789",
                      8),
            "1234...");
  EXPECT_EQ(ValidUtf8("123\xc3\xa4"
                      "789",
                      8),
            "123\xc3\xa4"
            "789");
  EXPECT_EQ(ValidUtf8("123456\xc3\xa4", 7), "1234...");
  EXPECT_EQ(ValidUtf8(std::string(100, '\xff'), 10), std::string(kReplaced) + kReplaced + "...");
  EXPECT_EQ(ValidUtf8("1234", 3), "...");
}

}  // namespace
}  // namespace udsrpc

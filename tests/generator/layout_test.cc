#include "proto/generator/layout.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace udsrpc::generator {
namespace {

using testing::ElementsAre;

// A string of `size` characters.
std::string X(size_t size) { return std::string(size, 'x'); }

TEST(BreakListTest, OneLineOf120Columns) {
  EXPECT_THAT(BreakList("  f(", {}, ");"), ElementsAre("  f();"));
  EXPECT_THAT(BreakList("  f(", {"a", "b"}, ");"), ElementsAre("  f(a, b);"));
  EXPECT_THAT(BreakList("f(", {"a", X(113)}, ");"), ElementsAre("f(a, " + X(113) + ");"));
  EXPECT_THAT(BreakList("f(", {"a", X(114)}, ");"), ElementsAre("f(a,", "  " + X(114) + ");"));
}

TEST(BreakListTest, AlignsBehindTheBracketAndFillsLines) {
  EXPECT_THAT(BreakList("  f(", {X(60), X(52), X(60), "b"}, ");"),
              ElementsAre("  f(" + X(60) + ", " + X(52) + ",", "    " + X(60) + ", b);"));
  // The comma counts.
  EXPECT_THAT(BreakList("  f(", {X(60), X(54), "b"}, ");"),
              ElementsAre("  f(" + X(60) + ",", "    " + X(54) + ", b);"));
}

TEST(BreakListTest, ALongItemMovesAllOfThemBehindFourColumns) {
  EXPECT_THAT(BreakList("  function(", {"a", X(112)}, ");"),
              ElementsAre("  function(", "      a,", "      " + X(112) + ");"));
  EXPECT_THAT(BreakList("  function(", {"a", X(109)}, ");"), ElementsAre("  function(", "      a, " + X(109) + ");"));
}

TEST(BreakListTest, AnItemLongerThanALineMakesALongerLine) {
  EXPECT_THAT(BreakList("f(", {X(150), "a"}, ");"), ElementsAre("f(", "    " + X(150) + ",", "    a);"));
}

TEST(FitsOnLineTest, AgreesWithBreakList) {
  for (const std::string open : {"f(", "  function("}) {
    for (size_t size = 100; size < 120; ++size) {
      bool short_lines = true;
      for (const std::string& line : BreakList(open, {X(size)}, ");")) short_lines &= line.size() <= 120;
      EXPECT_EQ(FitsOnLine(open, X(size), ");"), short_lines) << open << " " << size;
    }
  }
}

}  // namespace
}  // namespace udsrpc::generator

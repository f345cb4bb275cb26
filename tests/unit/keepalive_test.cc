#include "client/src/keepalive.h"

#include <chrono>

#include "gtest/gtest.h"

namespace udsrpc {
namespace {

using Step = Keepalive::Step;

constexpr Deadline::Clock::time_point At(int milliseconds) {
  return Deadline::Clock::time_point(std::chrono::milliseconds(milliseconds));
}

TEST(KeepaliveTest, AsksAfterSilenceAndGivesUpAfterMore) {
  Keepalive keepalive(absl::Milliseconds(100), absl::Milliseconds(20));
  keepalive.Restart(At(0));
  EXPECT_EQ(keepalive.Look(At(99)), Step::kWait);
  EXPECT_EQ(keepalive.Look(At(100)), Step::kAsk);
  EXPECT_EQ(keepalive.Look(At(119)), Step::kWait);
  EXPECT_EQ(keepalive.Look(At(120)), Step::kGiveUp);
}

TEST(KeepaliveTest, StartsAgainWithWhateverComes) {
  Keepalive keepalive(absl::Milliseconds(100), absl::Milliseconds(20));
  keepalive.Restart(At(0));
  EXPECT_EQ(keepalive.Look(At(100)), Step::kAsk);
  keepalive.Restart(At(110));
  EXPECT_EQ(keepalive.Look(At(209)), Step::kWait);
  EXPECT_EQ(keepalive.Look(At(210)), Step::kAsk);
}

TEST(KeepaliveTest, NeverAsksWhereItIsNotAskedFor) {
  Keepalive keepalive(absl::InfiniteDuration(), absl::Milliseconds(20));
  keepalive.Restart(At(0));
  EXPECT_TRUE(keepalive.next().never());
  EXPECT_EQ(keepalive.Look(At(1 << 30)), Step::kWait);
}

}  // namespace
}  // namespace udsrpc

#include "common/src/deadline.h"

#include <limits>

#include "gtest/gtest.h"

namespace udsrpc {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

const Deadline::Clock::time_point kNow{std::chrono::hours(1)};

TEST(Deadline, NeverPassesByDefault) {
  const Deadline deadline;
  EXPECT_TRUE(deadline.never());
  EXPECT_FALSE(deadline.HasPassed(Deadline::Clock::time_point::max() - nanoseconds(1)));
  EXPECT_EQ(deadline.Remaining(kNow), absl::InfiniteDuration());
  EXPECT_EQ(deadline.RemainingMicroseconds(kNow), std::nullopt);
}

TEST(Deadline, PassesExactlyWhenItIsDue) {
  const Deadline deadline = Deadline::After(absl::Microseconds(5), kNow);
  EXPECT_FALSE(deadline.HasPassed(kNow + microseconds(5) - nanoseconds(1)));
  EXPECT_TRUE(deadline.HasPassed(kNow + microseconds(5)));
  EXPECT_EQ(deadline.Remaining(kNow + microseconds(2)), absl::Microseconds(3));
  EXPECT_EQ(deadline.Remaining(kNow + microseconds(9)), absl::ZeroDuration());
}

TEST(Deadline, RoundsTheWiresMicrosecondsUp) {
  const Deadline deadline = Deadline::After(absl::Microseconds(5), kNow);
  EXPECT_EQ(deadline.RemainingMicroseconds(kNow), 5U);
  EXPECT_EQ(deadline.RemainingMicroseconds(kNow + nanoseconds(1)), 5U);
  EXPECT_EQ(deadline.RemainingMicroseconds(kNow + nanoseconds(4999)), 1U);
  EXPECT_EQ(deadline.RemainingMicroseconds(kNow + microseconds(9)), 0U);
}

TEST(Deadline, HasPassedWhenTheTimeoutIsZeroOrLess) {
  EXPECT_TRUE(Deadline::After(absl::ZeroDuration(), kNow).HasPassed(kNow));
  EXPECT_TRUE(Deadline::After(absl::Seconds(-5), kNow).HasPassed(kNow));
  EXPECT_TRUE(Deadline::After(-absl::InfiniteDuration(), kNow).HasPassed(kNow));
  EXPECT_TRUE(Deadline::AfterMicroseconds(0, kNow).HasPassed(kNow));
}

TEST(Deadline, IsNeverWhenTheTimeoutIsOutOfRange) {
  EXPECT_TRUE(Deadline::After(absl::InfiniteDuration(), kNow).never());
  EXPECT_TRUE(Deadline::After(absl::Hours(24 * 365 * 1000), kNow).never());
  EXPECT_TRUE(Deadline::AfterMicroseconds(std::numeric_limits<uint64_t>::max(), kNow).never());
  EXPECT_FALSE(Deadline::AfterMicroseconds(3'000'000'000'000'000, kNow).never());
}

}  // namespace
}  // namespace udsrpc

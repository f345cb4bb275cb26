#include "common/src/stats/tick_clock.h"

#include <chrono>

#include "gtest/gtest.h"

namespace udsrpc {
namespace {

// Both clocks go on alike, give or take what it takes to read them.
TEST(TickClockTest, GoesOnAsTheSteadyClock) {
  TickClock::Calibrate();
  const auto steady_before = std::chrono::steady_clock::now();
  const uint64_t from = TickClock::Now();
  while (std::chrono::steady_clock::now() - steady_before < std::chrono::milliseconds(5)) {
  }
  const uint64_t to = TickClock::Now();
  const auto steady = std::chrono::steady_clock::now() - steady_before;
  const auto ticks = std::chrono::nanoseconds(TickClock::Nanoseconds(from, to));
  EXPECT_LE(ticks, steady + steady / 100);
  EXPECT_GE(ticks, std::chrono::milliseconds(5) * 98 / 100);
  EXPECT_EQ(TickClock::Nanoseconds(to, from), 0u);
}

}  // namespace
}  // namespace udsrpc

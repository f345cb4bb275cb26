#include "common/src/deadline.h"

#include <time.h>

#include <algorithm>

namespace udsrpc {
namespace {

// Added to any time of the steady clock, which counts from boot, this is far from overflow (292 years).
constexpr std::chrono::hours kForever(24 * 365 * 100);

// The coarse clock is at most a tick behind, 10 ms, and little more where ticks come late.
constexpr std::chrono::milliseconds kCoarseEnough(200);

}  // namespace

Deadline::Clock::time_point Deadline::CoarseNow() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return Clock::time_point(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

bool Deadline::HasPassedNow() const { return !never() && at_ - CoarseNow() < kCoarseEnough && HasPassed(Clock::now()); }

Deadline Deadline::After(absl::Duration timeout, Clock::time_point now) {
  if (timeout >= absl::FromChrono(kForever)) return Deadline();
  return Deadline(now + std::max(absl::ToChronoNanoseconds(timeout), std::chrono::nanoseconds(0)));
}

Deadline Deadline::AfterMicroseconds(uint64_t timeout_us, Clock::time_point now) {
  if (timeout_us >= static_cast<uint64_t>(std::chrono::microseconds(kForever).count())) return Deadline();
  return Deadline(now + std::chrono::microseconds(timeout_us));
}

absl::Duration Deadline::Remaining(Clock::time_point now) const {
  if (never()) return absl::InfiniteDuration();
  return absl::FromChrono(std::max(at_ - now, Clock::duration(0)));
}

std::optional<uint64_t> Deadline::RemainingMicroseconds(Clock::time_point now) const {
  if (never()) return std::nullopt;
  return std::chrono::ceil<std::chrono::microseconds>(std::max(at_ - now, Clock::duration(0))).count();
}

}  // namespace udsrpc

#ifndef UDSRPC_COMMON_DEADLINE_H_
#define UDSRPC_COMMON_DEADLINE_H_

#include <chrono>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"

namespace udsrpc {

// A point on the steady clock by which something has to be over, or never. Steady, so that a step of the wall clock
// neither ends nor prolongs a call. Pure where `now` is a parameter.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  // Never.
  Deadline() = default;

  // A timeout that is not finite or beyond about 100 years is never; one of zero or less has passed.
  static Deadline After(absl::Duration timeout, Clock::time_point now);
  static Deadline AfterMicroseconds(uint64_t timeout_us, Clock::time_point now);

  // Up to 4 ms late, for a quarter of the price of Clock::now().
  static Clock::time_point CoarseNow();

  bool never() const { return at_ == Clock::time_point::max(); }
  Clock::time_point at() const { return at_; }  // time_point::max() for never
  bool HasPassed(Clock::time_point now) const { return now >= at_; }
  // By now. For one that is far away a coarse clock is looked at, which costs a quarter.
  bool HasPassedNow() const;

  friend bool operator<(const Deadline& a, const Deadline& b) { return a.at_ < b.at_; }

  // What is left, zero once passed; InfiniteDuration for never.
  absl::Duration Remaining(Clock::time_point now) const;
  // As the wire has it: rounded up, so that the receiver's deadline is not before the sender's. Nothing for never.
  std::optional<uint64_t> RemainingMicroseconds(Clock::time_point now) const;

 private:
  explicit Deadline(Clock::time_point at) : at_(at) {}

  Clock::time_point at_ = Clock::time_point::max();
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_DEADLINE_H_

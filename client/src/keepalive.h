#ifndef UDSRPC_CLIENT_KEEPALIVE_H_
#define UDSRPC_CLIENT_KEEPALIVE_H_

#include "absl/time/time.h"
#include "common/src/deadline.h"

namespace udsrpc {

// When to ask a silent server whether it lives, and when to give it up. Pure: `now` is a parameter. Not thread-safe.
class Keepalive {
 public:
  // Asks after `time` of silence and gives up after another `timeout`; an infinite `time`: never.
  Keepalive(absl::Duration time, absl::Duration timeout) : time_(time), timeout_(timeout) {}

  // Whether it ever asks.
  bool enabled() const { return time_ != absl::InfiniteDuration(); }

  // Something came, or the silence is to count from now for another reason.
  void Restart(Deadline::Clock::time_point now) {
    if (!enabled()) return;
    asked_ = false;
    next_ = Deadline::After(time_, now);
  }

  // When to look next.
  const Deadline& next() const { return next_; }

  enum class Step { kWait, kAsk, kGiveUp };
  Step Look(Deadline::Clock::time_point now) {
    if (next_.never() || !next_.HasPassed(now)) return Step::kWait;
    if (asked_) return Step::kGiveUp;
    asked_ = true;
    next_ = Deadline::After(timeout_, now);
    return Step::kAsk;
  }

 private:
  const absl::Duration time_;
  const absl::Duration timeout_;
  bool asked_ = false;
  Deadline next_;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_KEEPALIVE_H_

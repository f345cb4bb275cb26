#ifndef UDSRPC_COMMON_TIMER_QUEUE_H_
#define UDSRPC_COMMON_TIMER_QUEUE_H_

#include <cstdint>
#include <map>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "common/src/deadline.h"

namespace udsrpc {

// What is to be done when. Pure: `now` is a parameter. Not thread-safe.
class TimerQueue {
 public:
  using TimePoint = Deadline::Clock::time_point;
  using Expire = absl::AnyInvocable<void() &&>;
  using Id = std::pair<TimePoint, uint64_t>;

  Id Add(TimePoint when, Expire expire) {
    const Id id(when, ++last_);
    timers_.emplace(id, std::move(expire));
    return id;
  }

  // Null where it has expired or was removed already.
  Expire Remove(const Id& id) {
    const auto node = timers_.extract(id);
    return node.empty() ? nullptr : std::move(node.mapped());
  }

  bool empty() const { return timers_.empty(); }
  // When the next expires; time_point::max() without any.
  TimePoint next() const { return timers_.empty() ? TimePoint::max() : timers_.begin()->first.first; }
  // Until then, at least zero; InfiniteDuration without any.
  absl::Duration Remaining(TimePoint now) const {
    if (timers_.empty()) return absl::InfiniteDuration();
    return next() <= now ? absl::ZeroDuration() : absl::FromChrono(next() - now);
  }
  // Not when empty().
  const Id& next_id() const { return timers_.begin()->first; }
  Expire PopNext() { return Remove(timers_.begin()->first); }

 private:
  std::map<Id, Expire> timers_;
  uint64_t last_ = 0;
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_TIMER_QUEUE_H_

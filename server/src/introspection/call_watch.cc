#include "server/src/introspection/call_watch.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace udsrpc {
namespace {

// After something was taken, so long others are let come together: to wake a thread for each call of a busy server
// would cost those calls more than all the rest.
constexpr absl::Duration kPause = absl::Milliseconds(10);

}  // namespace

bool CallWatch::Wants(absl::string_view method, absl::StatusCode code) const {
  if (wanted_.only_errors() && code == absl::StatusCode::kOk) return false;
  const auto& codes = wanted_.codes();
  if (!codes.empty() && std::find(codes.begin(), codes.end(), static_cast<int>(code)) == codes.end()) return false;
  const auto& methods = wanted_.methods();
  return methods.empty() || std::any_of(methods.begin(), methods.end(), [&](const std::string& beginning) {
           return absl::StartsWith(method, beginning);
         });
}

void CallWatch::Offer(const v1::CallEvent& call) {
  internal::MutexLock lock(mutex_);
  if (closed_) return;
  const auto waiting = static_cast<size_t>(waiting_.calls_size());
  if (waiting >= max_waiting_) {
    waiting_.set_dropped(waiting_.dropped() + 1);
    return;
  }
  *waiting_.add_calls() = call;
  if (pausing_ ? waiting == max_waiting_ / 2 : waiting == 0) changed_.SignalAll();
}

void CallWatch::Close() {
  internal::MutexLock lock(mutex_);
  closed_ = true;
  changed_.SignalAll();
}

bool CallWatch::Take(v1::WatchCallsResponse& response) {
  response.Clear();
  internal::MutexLock lock(mutex_);
  const absl::Time pause_end = absl::Now() + kPause;
  while (pausing_ && !closed_ && static_cast<size_t>(waiting_.calls_size()) <= max_waiting_ / 2) {
    if (changed_.WaitWithDeadline(mutex_, pause_end)) break;
  }
  pausing_ = false;
  while (!closed_ && waiting_.calls().empty() && waiting_.dropped() == told_dropped_) changed_.Wait(mutex_);
  if (waiting_.calls().empty() && waiting_.dropped() == told_dropped_) return false;
  const uint64_t dropped = waiting_.dropped();
  response.Swap(&waiting_);
  waiting_.set_dropped(dropped);
  told_dropped_ = dropped;
  pausing_ = true;
  return true;
}

}  // namespace udsrpc

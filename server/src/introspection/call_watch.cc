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

// What an event takes beside its encoding, and what each of its requests does.
constexpr size_t kEventOverhead = 512;
constexpr size_t kRequestOverhead = 64;

}  // namespace

EndedCall::EndedCall(v1::CallEvent ended)
    : event(std::move(ended)),
      bytes(event.ByteSizeLong() + kEventOverhead + kRequestOverhead * static_cast<size_t>(event.requests_size())) {}

bool CallWatch::Wants(absl::string_view method, absl::StatusCode code) const {
  if (wanted_.only_errors() && code == absl::StatusCode::kOk) return false;
  const auto& codes = wanted_.codes();
  if (!codes.empty() && std::find(codes.begin(), codes.end(), static_cast<int>(code)) == codes.end()) return false;
  const auto& methods = wanted_.methods();
  return methods.empty() || std::any_of(methods.begin(), methods.end(), [&](const std::string& beginning) {
           return absl::StartsWith(method, beginning);
         });
}

void CallWatch::Offer(const std::shared_ptr<const EndedCall>& call) {
  internal::MutexLock lock(mutex_);
  if (closed_) return;
  if (waiting_.size() >= max_waiting_ || waiting_bytes_ >= max_waiting_bytes_) {
    ++dropped_;
    return;
  }
  const bool was_half_full = HalfFull();
  waiting_.push_back(call);
  waiting_bytes_ += call->bytes;
  if (pausing_ ? !was_half_full && HalfFull() : waiting_.size() == 1) changed_.SignalAll();
}

void CallWatch::Close() {
  internal::MutexLock lock(mutex_);
  closed_ = true;
  changed_.SignalAll();
}

bool CallWatch::HalfFull() const {
  return waiting_.size() > max_waiting_ / 2 || waiting_bytes_ > max_waiting_bytes_ / 2;
}

bool CallWatch::Take(v1::WatchCallsResponse& response) {
  response.Clear();
  std::deque<std::shared_ptr<const EndedCall>> taken;
  {
    internal::MutexLock lock(mutex_);
    const absl::Time pause_end = absl::Now() + kPause;
    while (pausing_ && !closed_ && !HalfFull()) {
      if (changed_.WaitWithDeadline(mutex_, pause_end)) break;
    }
    pausing_ = false;
    while (!closed_ && waiting_.empty() && dropped_ == told_dropped_) changed_.Wait(mutex_);
    if (waiting_.empty() && dropped_ == told_dropped_) return false;
    taken = TakeSome();
    response.set_dropped(dropped_);
    told_dropped_ = dropped_;
    pausing_ = waiting_.empty();
  }
  for (const std::shared_ptr<const EndedCall>& call : taken) *response.add_calls() = call->event;
  return true;
}

std::deque<std::shared_ptr<const EndedCall>> CallWatch::TakeSome() {
  std::deque<std::shared_ptr<const EndedCall>> some;
  for (size_t bytes = 0; !waiting_.empty(); waiting_.pop_front()) {
    const size_t next = waiting_.front()->bytes;
    if (!some.empty() && bytes + next > kMostResponseBytes) break;
    bytes += next;
    waiting_bytes_ -= next;
    some.push_back(std::move(waiting_.front()));
  }
  return some;
}

}  // namespace udsrpc

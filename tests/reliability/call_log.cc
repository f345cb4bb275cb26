#include "tests/reliability/call_log.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace udsrpc::testing {
namespace {

constexpr size_t kFirst = 20;
// So many durations are kept, which is enough for a percentile of a percentile.
constexpr size_t kMostDurations = 1 << 20;

}  // namespace

absl::Duration Durations::Quantile(double quantile) {
  if (values_.empty()) return absl::ZeroDuration();
  if (!sorted_) std::sort(values_.begin(), values_.end());
  sorted_ = true;
  const double rank = std::ceil(quantile * static_cast<double>(values_.size()));
  return values_[std::min(values_.size(), static_cast<size_t>(std::max(rank, 1.0))) - 1];
}

std::string Durations::Summary() {
  const auto rounded = [this](double quantile) {
    return absl::FormatDuration(absl::Floor(Quantile(quantile), absl::Microseconds(10)));
  };
  return absl::StrCat(size(), " calls: median ", rounded(0.5), ", 99 % ", rounded(0.99), ", 99.9 % ", rounded(0.999),
                      ", longest ", rounded(1));
}

CallLog::Begun CallLog::Begin() {
  const Begun begun{.time = absl::Now(), .outage_changes = outages_.changes()};
  internal::MutexLock lock(mutex_);
  ++open_;
  return begun;
}

bool CallLog::IsExpected(const Begun& begun, const CallOutcome& outcome) const {
  if (!outcome.wrong.empty()) return false;
  if (outcome.fate == Fate::kDestroyed) return true;
  const absl::StatusCode code = outcome.status.code();
  if (outcome.usual == code) return true;
  switch (code) {
    case absl::StatusCode::kDeadlineExceeded:
      return outcome.fate == Fate::kDeadline;
    case absl::StatusCode::kCancelled:
      return outcome.fate == Fate::kCancelled;
    case absl::StatusCode::kUnavailable:
      return outages_.Since(begun.outage_changes);
    case absl::StatusCode::kResourceExhausted:
      return may_be_refused_;
    default:
      return false;
  }
}

void CallLog::End(const Begun& begun, const CallOutcome& outcome) {
  const absl::Time now = absl::Now();
  const bool expected = IsExpected(begun, outcome);
  const bool met_outage = outages_.Since(begun.outage_changes);
  const absl::Time outage_began = outages_.began();
  const bool destroyed = outcome.fate == Fate::kDestroyed;
  const absl::StatusCode code = destroyed ? absl::StatusCode::kOk : outcome.status.code();
  internal::MutexLock lock(mutex_);
  --open_;
  ++calls_;
  ++counts_[{outcome.kind, code, destroyed}];
  if (!destroyed && code == outcome.usual) ++ok_;
  if (code == absl::StatusCode::kUnavailable && begun.time < outage_began) ++interrupted_;
  if (met_outage && code == absl::StatusCode::kUnavailable && after_death_.size() < kMostDurations) {
    after_death_.Add(now - std::max(begun.time, outage_began));
  }
  if (code == absl::StatusCode::kDeadlineExceeded && after_deadline_.size() < kMostDurations) {
    after_deadline_.Add(now - std::max(begun.time, outcome.deadline));
  }
  if (expected) return;
  ++unexpected_;
  if (first_unexpected_.size() >= kFirst) return;
  const char* const fate = outcome.fate == Fate::kDestroyed   ? ", destroyed"
                           : outcome.fate == Fate::kCancelled ? ", cancelled"
                           : outcome.fate == Fate::kDeadline  ? ", hurried"
                                                              : "";
  first_unexpected_.push_back(
      absl::StrCat(outcome.kind, " over ", TransportName(outcome.transport),
                   outcome.by_coroutine ? " to a coroutine" : "", fate, ", of ", absl::FormatDuration(now - begun.time),
                   met_outage ? ", in an outage: " : ": ", outcome.status.ToString(), " ", outcome.wrong));
  // At once, as what brought it about may keep the report from coming.
  std::fprintf(stderr, "unexpected: %s\n", first_unexpected_.back().c_str());
}

CallLog::Counts CallLog::counts() const {
  Counts counts;
  internal::MutexLock lock(mutex_);
  for (const auto& [key, count] : counts_) {
    const auto& [kind, code, destroyed] = key;
    counts[{kind, destroyed ? "destroyed" : absl::StatusCodeToString(code)}] += count;
  }
  return counts;
}

int64_t CallLog::calls() const {
  internal::MutexLock lock(mutex_);
  return calls_;
}

int64_t CallLog::ok() const {
  internal::MutexLock lock(mutex_);
  return ok_;
}

int CallLog::open() const {
  internal::MutexLock lock(mutex_);
  return open_;
}

int64_t CallLog::interrupted() const {
  internal::MutexLock lock(mutex_);
  return interrupted_;
}

int64_t CallLog::unexpected() const {
  internal::MutexLock lock(mutex_);
  return unexpected_;
}

std::vector<std::string> CallLog::first_unexpected() const {
  internal::MutexLock lock(mutex_);
  return first_unexpected_;
}

Durations CallLog::after_death() const {
  internal::MutexLock lock(mutex_);
  return after_death_;
}

Durations CallLog::after_deadline() const {
  internal::MutexLock lock(mutex_);
  return after_deadline_;
}

}  // namespace udsrpc::testing

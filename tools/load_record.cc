#include "tools/load_record.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace udsrpc::tools {
namespace {

// Raises `largest` to `value` where it is less.
template <typename T>
void Raise(std::atomic<T>* largest, T value) {
  T seen = largest->load(std::memory_order_relaxed);
  while (seen < value && !largest->compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

}  // namespace

void LatencyCounts::Add(LoadClock::duration latency) {
  const auto nanoseconds = static_cast<uint64_t>(std::max<int64_t>(std::chrono::nanoseconds(latency).count(), 0));
  counts_[static_cast<size_t>(LatencyBuckets::IndexOf(nanoseconds))].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(nanoseconds, std::memory_order_relaxed);
  Raise(&max_, nanoseconds);
}

LatencyHistogram LatencyCounts::Read() const {
  std::vector<LatencyHistogram::Bucket> buckets;
  for (int i = 0; i < LatencyBuckets::kCount; ++i) {
    buckets.push_back({.lower = absl::Nanoseconds(LatencyBuckets::LowerBoundOf(i)),
                       .upper = absl::Nanoseconds(LatencyBuckets::UpperBoundOf(i)),
                       .count = counts_[static_cast<size_t>(i)].load(std::memory_order_relaxed)});
  }
  return LatencyHistogram(std::move(buckets), absl::Nanoseconds(sum_.load(std::memory_order_relaxed)),
                          absl::Nanoseconds(max_.load(std::memory_order_relaxed)));
}

void LoadRecord::EndNow() {
  const LoadClock::time_point now = LoadClock::now();
  LoadClock::time_point seen = until_.load();
  while (now < seen && !until_.compare_exchange_weak(seen, now)) {
  }
}

void LoadRecord::Add(LoadClock::time_point intended, LoadClock::time_point now, const absl::Status& status,
                     uint64_t messages) {
  if (intended < from_) {
    warmup_calls_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  Raise(&last_, now);
  if (status.ok()) {
    ok_.fetch_add(1, std::memory_order_relaxed);
    messages_.fetch_add(messages, std::memory_order_relaxed);
    latencies_.Add(now - intended);
    return;
  }
  failed_.fetch_add(1, std::memory_order_relaxed);
  const internal::MutexLock lock(mutex_);
  Failure& failure = failures_[status.code()];
  if (failure.count++ == 0) failure.message = std::string(status.message());
}

std::map<absl::StatusCode, LoadRecord::Failure> LoadRecord::failures() const {
  const internal::MutexLock lock(mutex_);
  return failures_;
}

LoadClock::duration LoadRecord::elapsed() const {
  return std::max(std::max(until(), last_.load()) - from_, LoadClock::duration::zero());
}

}  // namespace udsrpc::tools

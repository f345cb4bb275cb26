#include "udsrpc/latency_histogram.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace udsrpc {

LatencyHistogram::LatencyHistogram(std::vector<Bucket> buckets, absl::Duration sum, absl::Duration max)
    : buckets_(std::move(buckets)), sum_(sum), max_(max) {
  std::erase_if(buckets_, [](const Bucket& bucket) { return bucket.count == 0; });
  for (const Bucket& bucket : buckets_) count_ += bucket.count;
}

absl::Duration LatencyHistogram::mean() const {
  return count_ == 0 ? absl::ZeroDuration() : sum_ / static_cast<double>(count_);
}

absl::Duration LatencyHistogram::Quantile(double quantile) const {
  // The rank of the one that is asked for, from 1 on.
  const double rank = std::max(1.0, std::ceil(std::clamp(quantile, 0.0, 1.0) * static_cast<double>(count_)));
  double before = 0;
  for (const Bucket& bucket : buckets_) {
    const auto count = static_cast<double>(bucket.count);
    if (before + count >= rank) {
      // As if they were spread evenly over the bucket.
      const double within = (rank - before - 0.5) / count;
      return std::min(bucket.lower + (bucket.upper - bucket.lower) * within, max_);
    }
    before += count;
  }
  return absl::ZeroDuration();
}

uint64_t LatencyHistogram::CountBelow(absl::Duration limit) const {
  uint64_t below = 0;
  for (const Bucket& bucket : buckets_) {
    if (bucket.upper <= limit) {
      below += bucket.count;
    } else if (bucket.lower < limit) {
      const double share = absl::FDivDuration(limit - bucket.lower, bucket.upper - bucket.lower);
      below += static_cast<uint64_t>(share * static_cast<double>(bucket.count));
    }
  }
  return below;
}

LatencyHistogram LatencyHistogram::Since(const LatencyHistogram& earlier) const {
  std::vector<Bucket> difference = buckets_;
  auto before = earlier.buckets_.begin();
  for (Bucket& bucket : difference) {
    while (before != earlier.buckets_.end() && before->lower < bucket.lower) ++before;
    if (before == earlier.buckets_.end()) break;
    if (before->lower == bucket.lower) bucket.count -= std::min(bucket.count, before->count);
  }
  LatencyHistogram since(std::move(difference), std::max(sum_ - earlier.sum_, absl::ZeroDuration()), max_);
  since.max_ = since.buckets_.empty() ? absl::ZeroDuration() : std::min(max_, since.buckets_.back().upper);
  return since;
}

}  // namespace udsrpc

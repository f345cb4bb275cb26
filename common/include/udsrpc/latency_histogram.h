#ifndef UDSRPC_LATENCY_HISTOGRAM_H_
#define UDSRPC_LATENCY_HISTOGRAM_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"

namespace udsrpc {

// How many of something took how long, in buckets that are narrow enough for each duration to be known to a few per
// cent (see docs/OBSERVABILITY.md). A value; not thread-safe.
class LatencyHistogram {
 public:
  // `lower` belongs to it, `upper` does not.
  struct Bucket {
    absl::Duration lower;
    absl::Duration upper;
    uint64_t count = 0;
  };

  LatencyHistogram() = default;
  // `buckets` have different bounds and are sorted by them.
  LatencyHistogram(std::vector<Bucket> buckets, absl::Duration sum, absl::Duration max);

  uint64_t count() const { return count_; }
  absl::Duration sum() const { return sum_; }
  // The longest. Of a difference, the upper bound of its last bucket, where that is less.
  absl::Duration max() const { return max_; }
  absl::Duration mean() const;

  // What a share of `quantile`, 0 to 1, was not longer than: 0.5 is the median. Zero where nothing was counted.
  absl::Duration Quantile(double quantile) const;

  // How many were shorter than `limit`; of a bucket that it cuts, the share that is below it.
  uint64_t CountBelow(absl::Duration limit) const;

  // Those that are not empty.
  const std::vector<Bucket>& buckets() const { return buckets_; }

  // What has been counted since `earlier`, which is of the same counter.
  LatencyHistogram Since(const LatencyHistogram& earlier) const;

 private:
  std::vector<Bucket> buckets_;
  uint64_t count_ = 0;
  absl::Duration sum_;
  absl::Duration max_;
};

}  // namespace udsrpc

#endif  // UDSRPC_LATENCY_HISTOGRAM_H_

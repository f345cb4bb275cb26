#ifndef UDSRPC_LATENCY_HISTOGRAM_H_
#define UDSRPC_LATENCY_HISTOGRAM_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"

namespace udsrpc {

// How many of something took how long. A server's buckets are 64 ns wide up to 1,024 ns, and from there on 16 for each
// doubling, so that a duration is known to within 32 ns or 3.2 %; what took 18 minutes or longer is in the last one,
// and only max() and sum() say how long it took. A value; not thread-safe.
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
  // Zero where nothing was counted.
  absl::Duration mean() const;

  // What a share of `quantile` was not longer than: 0.5 is the median. What is below 0 counts as 0, above 1 as 1. Zero
  // where nothing was counted.
  absl::Duration Quantile(double quantile) const;

  // How many were shorter than `limit`; of a bucket that it cuts, the share that is below it.
  uint64_t CountBelow(absl::Duration limit) const;

  // Those that are not empty.
  const std::vector<Bucket>& buckets() const { return buckets_; }

  // What has been counted since `earlier`, which is of the same counter. Nothing where `earlier` is the later one.
  LatencyHistogram Since(const LatencyHistogram& earlier) const;

 private:
  std::vector<Bucket> buckets_;
  uint64_t count_ = 0;
  absl::Duration sum_;
  absl::Duration max_;
};

}  // namespace udsrpc

#endif  // UDSRPC_LATENCY_HISTOGRAM_H_

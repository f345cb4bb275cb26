#include "udsrpc/latency_histogram.h"

#include "gtest/gtest.h"

namespace udsrpc {
namespace {

LatencyHistogram::Bucket BucketOf(int lower_us, int upper_us, uint64_t count) {
  return {.lower = absl::Microseconds(lower_us), .upper = absl::Microseconds(upper_us), .count = count};
}

TEST(LatencyHistogramTest, OfNothingAllIsZero) {
  const LatencyHistogram none;
  EXPECT_EQ(none.count(), 0u);
  EXPECT_EQ(none.Quantile(0.5), absl::ZeroDuration());
  EXPECT_EQ(none.mean(), absl::ZeroDuration());
  EXPECT_EQ(none.CountBelow(absl::InfiniteDuration()), 0u);
}

TEST(LatencyHistogramTest, QuantilesAreInTheBucketsOfTheirRanks) {
  const LatencyHistogram histogram(
      {BucketOf(10, 20, 90), BucketOf(20, 30, 0), BucketOf(100, 200, 9), BucketOf(400, 800, 1)},
      absl::Microseconds(3000), absl::Microseconds(500));
  EXPECT_EQ(histogram.count(), 100u);
  EXPECT_EQ(histogram.buckets().size(), 3u);
  EXPECT_EQ(histogram.mean(), absl::Microseconds(30));
  EXPECT_GE(histogram.Quantile(0), absl::Microseconds(10));
  EXPECT_NEAR(absl::ToDoubleMicroseconds(histogram.Quantile(0.45)), 15, 0.2);
  EXPECT_LT(histogram.Quantile(0.9), absl::Microseconds(20));
  EXPECT_GE(histogram.Quantile(0.91), absl::Microseconds(100));
  EXPECT_LT(histogram.Quantile(0.99), absl::Microseconds(200));
  EXPECT_EQ(histogram.Quantile(1), absl::Microseconds(500));  // no more than the longest
}

TEST(LatencyHistogramTest, CountsWhatIsBelowABound) {
  const LatencyHistogram histogram({BucketOf(10, 20, 10), BucketOf(100, 200, 4)}, absl::ZeroDuration(),
                                   absl::Microseconds(150));
  EXPECT_EQ(histogram.CountBelow(absl::Microseconds(10)), 0u);
  EXPECT_EQ(histogram.CountBelow(absl::Microseconds(15)), 5u);
  EXPECT_EQ(histogram.CountBelow(absl::Microseconds(100)), 10u);
  EXPECT_EQ(histogram.CountBelow(absl::Microseconds(150)), 12u);
  EXPECT_EQ(histogram.CountBelow(absl::InfiniteDuration()), 14u);
}

TEST(LatencyHistogramTest, ADifferenceHasWhatCameSince) {
  const LatencyHistogram before({BucketOf(10, 20, 10), BucketOf(400, 800, 1)}, absl::Microseconds(650),
                                absl::Microseconds(500));
  const LatencyHistogram after({BucketOf(10, 20, 13), BucketOf(20, 30, 2), BucketOf(400, 800, 1)},
                               absl::Microseconds(750), absl::Microseconds(500));
  const LatencyHistogram since = after.Since(before);
  EXPECT_EQ(since.count(), 5u);
  EXPECT_EQ(since.sum(), absl::Microseconds(100));
  EXPECT_EQ(since.max(), absl::Microseconds(30));
  EXPECT_LT(since.Quantile(0.5), absl::Microseconds(20));
  EXPECT_EQ(after.Since(after).count(), 0u);
  EXPECT_EQ(after.Since(LatencyHistogram()).count(), after.count());
}

}  // namespace
}  // namespace udsrpc

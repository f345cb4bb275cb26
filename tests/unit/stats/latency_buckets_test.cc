#include "common/src/stats/latency_buckets.h"

#include "gtest/gtest.h"

namespace udsrpc {
namespace {

TEST(LatencyBucketsTest, EachBucketBeginsWhereTheOneBeforeItEnds) {
  EXPECT_EQ(LatencyBuckets::LowerBoundOf(0), 0u);
  for (int i = 0; i < LatencyBuckets::kCount; ++i) {
    const uint64_t lower = LatencyBuckets::LowerBoundOf(i);
    const uint64_t upper = LatencyBuckets::UpperBoundOf(i);
    ASSERT_LT(lower, upper) << i;
    EXPECT_EQ(LatencyBuckets::IndexOf(lower), i);
    EXPECT_EQ(LatencyBuckets::IndexOf((lower + upper) / 2), i);
    EXPECT_EQ(LatencyBuckets::IndexOf(upper - 1), i);
  }
}

TEST(LatencyBucketsTest, TheMiddleIsWithinAFewPerCent) {
  for (int i = LatencyBuckets::IndexOf(1024); i < LatencyBuckets::kCount; ++i) {
    const auto lower = static_cast<double>(LatencyBuckets::LowerBoundOf(i));
    const auto upper = static_cast<double>(LatencyBuckets::UpperBoundOf(i));
    EXPECT_LE((upper - lower) / 2 / lower, 0.03126) << i;
  }
}

TEST(LatencyBucketsTest, WhatTakesForEverIsInTheLast) {
  EXPECT_GE(LatencyBuckets::LowerBoundOf(LatencyBuckets::kCount - 1), 60'000'000'000u * 17);
  EXPECT_EQ(LatencyBuckets::IndexOf(UINT64_MAX), LatencyBuckets::kCount - 1);
}

}  // namespace
}  // namespace udsrpc

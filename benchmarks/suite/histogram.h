#ifndef UDSRPC_BENCHMARKS_SUITE_HISTOGRAM_H_
#define UDSRPC_BENCHMARKS_SUITE_HISTOGRAM_H_

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace udsrpc::benchmarks {

// Latencies, to within 1.6 %: 64 buckets for each power of two of nanoseconds. Thread-safe.
class Histogram {
 public:
  void Add(std::chrono::nanoseconds latency) {
    buckets_[BucketOf(static_cast<uint64_t>(latency.count()))].fetch_add(1, std::memory_order_relaxed);
  }
  uint64_t count() const {
    uint64_t count = 0;
    for (const auto& bucket : buckets_) count += bucket.load(std::memory_order_relaxed);
    return count;
  }
  // The latency that `share` of all stay within; 0 where there are none.
  std::chrono::nanoseconds Quantile(double share) const {
    const double wanted = share * static_cast<double>(count());
    double seen = 0;
    for (size_t i = 0; i < kBuckets; ++i) {
      seen += static_cast<double>(buckets_[i].load(std::memory_order_relaxed));
      if (seen > 0 && seen >= wanted) return std::chrono::nanoseconds(LowestOf(i + 1));
    }
    return std::chrono::nanoseconds(0);
  }

 private:
  static constexpr int kBits = 6;
  static constexpr size_t kBuckets = (64 - kBits + 1) << kBits;

  static size_t BucketOf(uint64_t value) {
    if (value < (1 << kBits)) return value;
    const int shift = std::bit_width(value) - 1 - kBits;
    return (static_cast<size_t>(shift + 1) << kBits) + ((value >> shift) & ((1 << kBits) - 1));
  }
  static uint64_t LowestOf(size_t bucket) {
    if (bucket < (2 << kBits)) return bucket;
    const int shift = static_cast<int>(bucket >> kBits) - 1;
    return ((bucket & ((1 << kBits) - 1)) | (1 << kBits)) << shift;
  }

  std::array<std::atomic<uint64_t>, kBuckets> buckets_{};
};

}  // namespace udsrpc::benchmarks

#endif  // UDSRPC_BENCHMARKS_SUITE_HISTOGRAM_H_

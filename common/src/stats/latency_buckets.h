#ifndef UDSRPC_COMMON_STATS_LATENCY_BUCKETS_H_
#define UDSRPC_COMMON_STATS_LATENCY_BUCKETS_H_

#include <algorithm>
#include <bit>
#include <cstdint>

namespace udsrpc {

// Where a latency is counted: log-linear buckets, as in HdrHistogram. Up to 1,024 ns each is 64 ns wide; from there on
// each doubling has 16, so that the middle of a bucket is within 1/32 (3.2 %) of all that is counted there. The last
// one has all from 18 minutes on. Pure.
class LatencyBuckets {
 public:
  static constexpr int kPerOctave = 16;
  static constexpr int kOctaves = 31;
  static constexpr int kCount = kOctaves * kPerOctave;

  static constexpr int IndexOf(uint64_t nanoseconds) {
    const uint64_t units = nanoseconds >> kUnitBits;
    if (units < kPerOctave) return static_cast<int>(units);
    const int octave = static_cast<int>(std::bit_width(units)) - kOctaveBits;
    const auto within = static_cast<int>((units >> (octave - 1)) & (kPerOctave - 1));
    return std::min(octave * kPerOctave + within, kCount - 1);
  }

  // In nanoseconds; UpperBoundOf is the LowerBoundOf the next one.
  static constexpr uint64_t LowerBoundOf(int index) {
    const int octave = index / kPerOctave;
    const auto within = static_cast<uint64_t>(index % kPerOctave);
    if (octave == 0) return within << kUnitBits;
    return ((kPerOctave + within) << (octave - 1)) << kUnitBits;
  }
  static constexpr uint64_t UpperBoundOf(int index) { return LowerBoundOf(index + 1); }

 private:
  static constexpr int kUnitBits = 6;
  static constexpr int kOctaveBits = 4;  // of kPerOctave
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_STATS_LATENCY_BUCKETS_H_

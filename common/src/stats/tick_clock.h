#ifndef UDSRPC_COMMON_STATS_TICK_CLOCK_H_
#define UDSRPC_COMMON_STATS_TICK_CLOCK_H_

#include <atomic>
#include <chrono>
#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace udsrpc {

// A clock for durations that are only counted. Where the kernel keeps its own time by the processor's time stamp
// counter, that is read without the kernel's arithmetic, for 40 % of the price; else it is the steady clock.
// Thread-safe.
class TickClock {
 public:
  // Finds out which it is, and how long a tick takes: once a process, for a fifth of a millisecond. Ticks that were
  // read before are worth nothing.
  static void Calibrate();

  static uint64_t Now() {
#if defined(__x86_64__)
    if (scale_.load(std::memory_order_relaxed) != 0) return __rdtsc();
#endif
    return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  }

  // 0 where `to` is before `from`, as it may be by a hair between two processors.
  static uint64_t Nanoseconds(uint64_t from, uint64_t to) {
    if (to <= from) return 0;
    const uint64_t scale = scale_.load(std::memory_order_relaxed);
    if (scale == 0) return to - from;
    return static_cast<uint64_t>((static_cast<Wide>(to - from) * scale) >> kScaleBits);
  }

 private:
  __extension__ using Wide = unsigned __int128;

  static constexpr int kScaleBits = 32;
  static std::atomic<uint64_t> scale_;  // nanoseconds a tick, times 2^32; 0: it is the steady clock
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_STATS_TICK_CLOCK_H_

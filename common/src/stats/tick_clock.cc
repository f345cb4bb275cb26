#include "common/src/stats/tick_clock.h"

#include <fstream>
#include <mutex>
#include <string>
#include <thread>

namespace udsrpc {

std::atomic<uint64_t> TickClock::scale_{0};

#if defined(__x86_64__)

namespace {

// What the kernel uses for its own clocks: it has looked whether the counters of all processors agree, and run at one
// speed whatever the processors do.
bool KernelTrustsCounter() {
  std::string source;
  std::getline(std::ifstream("/sys/devices/system/clocksource/clocksource0/current_clocksource"), source);
  return source == "tsc";
}

struct Moment {
  uint64_t ticks;
  int64_t nanoseconds;
};

// Both clocks at the same time: the closest of a few readings, as a thread may lose its CPU between two.
Moment ReadBoth() {
  Moment best{};
  uint64_t closest = UINT64_MAX;
  for (int i = 0; i < 8; ++i) {
    const uint64_t before = __rdtsc();
    const int64_t nanoseconds = std::chrono::steady_clock::now().time_since_epoch().count();
    const uint64_t apart = __rdtsc() - before;
    if (apart >= closest) continue;
    closest = apart;
    best = {.ticks = before + apart / 2, .nanoseconds = nanoseconds};
  }
  return best;
}

}  // namespace

void TickClock::Calibrate() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (!KernelTrustsCounter()) return;
    const Moment from = ReadBoth();
    std::this_thread::sleep_for(std::chrono::microseconds(200));  // makes an error of 0.02 %
    const Moment to = ReadBoth();
    if (to.ticks <= from.ticks || to.nanoseconds <= from.nanoseconds) return;
    const auto nanoseconds = static_cast<uint64_t>(to.nanoseconds - from.nanoseconds);
    scale_.store(static_cast<uint64_t>((static_cast<Wide>(nanoseconds) << kScaleBits) / (to.ticks - from.ticks)));
  });
}

#else

void TickClock::Calibrate() {}

#endif

}  // namespace udsrpc

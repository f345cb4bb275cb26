// What it costs to count a call: its start, its end, and the clock that is read for both.

#include <cstddef>
#include <memory>

#include "benchmark/benchmark.h"
#include "common/src/stats/call_counters.h"
#include "common/src/stats/tick_clock.h"
#include "server/src/call_monitor.h"
#include "server/src/call_record.h"
#include "server/src/caller.h"

namespace udsrpc {
namespace {

void ReadTickClock(benchmark::State& state) {
  TickClock::Calibrate();
  for (auto _ : state) benchmark::DoNotOptimize(TickClock::Now());
}
BENCHMARK(ReadTickClock);

void ReadSteadyClock(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(std::chrono::steady_clock::now());
}
BENCHMARK(ReadSteadyClock);

// Without the clock, by threads that count calls of one method side by side.
void CountCall(benchmark::State& state) {
  static CallCounters counters;
  internal::CallSizes sizes;
  sizes.OnReceived(64);
  uint64_t nanoseconds = 0;
  for (auto _ : state) {
    counters.OnStart();
    counters.OnEnd(absl::StatusCode::kOk, nanoseconds += 16, sizes);
    nanoseconds &= 0xFFFF;
  }
}
BENCHMARK(CountCall)->Threads(1)->Threads(2);

// All of it, as a transport does it for a call that nobody watches.
void RecordCall(benchmark::State& state) {
  CallMonitor monitor;
  const Caller caller(std::make_shared<Peer>(), std::make_shared<User>(UserLimits()));
  CallCounters& counters = monitor.CountersOf(nullptr);
  for (auto _ : state) {
    CallRecord record;
    record.Begin(monitor, counters, "/p.Echo/Say", &caller, TickClock::Now());
    record.sizes().OnReceived(64);
    record.sizes().OnSent(64);
    record.End(absl::StatusCode::kOk, "");
  }
}
BENCHMARK(RecordCall);

}  // namespace
}  // namespace udsrpc

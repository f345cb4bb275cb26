#include "benchmarks/stub_overhead_rounds.h"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "absl/time/clock.h"

namespace udsrpc::benchmarks {
namespace {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// What this process has spent so far, on all threads.
double CpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

struct Round {
  double calls_per_second;
  double p50_us;
  double cpu_us;  // of this process, a call
};

Round RunRound(const Contestant& contestant, const Comparison& comparison) {
  std::atomic<bool> stop{false};
  std::vector<std::vector<double>> latencies(comparison.callers);
  std::vector<std::thread> threads;
  const double cpu_before = CpuSeconds();
  const Clock::time_point start = Clock::now();
  for (std::vector<double>& own : latencies) {
    threads.emplace_back([&stop, &own, &contestant] {
      Clock::time_point before = Clock::now();
      while (!stop.load(std::memory_order_relaxed)) {
        contestant.call();
        const Clock::time_point after = Clock::now();
        own.push_back(Microseconds(after - before).count());
        before = after;
      }
    });
  }
  absl::SleepFor(comparison.round);
  stop = true;
  for (std::thread& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const double cpu_seconds = CpuSeconds() - cpu_before;
  std::vector<double> all;
  for (const std::vector<double>& own : latencies) all.insert(all.end(), own.begin(), own.end());
  const double calls = static_cast<double>(all.size());
  return {calls / seconds, Median(std::move(all)), cpu_seconds / calls * 1e6};
}

void Print(const Contestant& contestant, const Comparison& comparison, const std::vector<Round>& rounds) {
  std::vector<double> rates;
  std::vector<double> p50s;
  std::vector<double> cpu;
  for (const Round& round : rounds) {
    rates.push_back(round.calls_per_second);
    p50s.push_back(round.p50_us);
    cpu.push_back(round.cpu_us);
  }
  std::printf("%3d callers  %-20s %8.0f calls/s  p50 %7.1f us  client's CPU %6.1f us a call\n", comparison.callers,
              contestant.name, Median(rates), Median(p50s), Median(cpu));
}

}  // namespace

double Compare(const Contestant& a, const Contestant& b, const Comparison& comparison) {
  RunRound(a, comparison);
  RunRound(b, comparison);
  std::vector<Round> rounds_a;
  std::vector<Round> rounds_b;
  std::vector<double> ratios;
  for (int i = 0; i < comparison.rounds; ++i) {
    // Whoever goes first does so every other time.
    if (i % 2 == 0) rounds_a.push_back(RunRound(a, comparison));
    rounds_b.push_back(RunRound(b, comparison));
    if (i % 2 == 1) rounds_a.push_back(RunRound(a, comparison));
    ratios.push_back(rounds_b.back().calls_per_second / rounds_a.back().calls_per_second);
  }
  Print(a, comparison, rounds_a);
  Print(b, comparison, rounds_b);
  const double ratio = Median(ratios);
  std::printf("%3d callers  ratio %.3f (median of %d pairs)\n", comparison.callers, ratio, comparison.rounds);
  std::fflush(stdout);
  return ratio;
}

}  // namespace udsrpc::benchmarks

#ifndef UDSRPC_BENCHMARKS_SUITE_LOAD_H_
#define UDSRPC_BENCHMARKS_SUITE_LOAD_H_

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <string>

#include "benchmarks/suite/histogram.h"

namespace udsrpc::benchmarks {

using Clock = std::chrono::steady_clock;

// Prints why, and ends the program with 2.
[[noreturn]] void Fail(const std::string& why);

// How long a workload goes on, and what came of it. Thread-safe.
class Load {
 public:
  // Calls that end before `from` warm up and do not count.
  Load(Clock::time_point from, Clock::time_point until) : from_(from), until_(until) {}

  // Whether no further call is to begin.
  bool over() const { return phase_.load(std::memory_order_relaxed) == Phase::kOver; }

  // A call that began at `start` has ended well, now. Gives the time, as the start of a next one.
  Clock::time_point Record(Clock::time_point start) {
    const Clock::time_point now = Clock::now();
    if (counting()) {
      latencies_.Add(now - start);
      calls_.fetch_add(1, std::memory_order_relaxed);
    }
    return now;
  }
  // The same for a message of a stream, without a latency of its own.
  void Count() {
    if (counting()) calls_.fetch_add(1, std::memory_order_relaxed);
  }

  // Which calls take long in their handler, on purpose, and are not recorded; 0: none.
  int slow_every() const { return slow_every_; }
  std::chrono::microseconds slow_for() const { return slow_for_; }
  void set_slow(int every, std::chrono::microseconds time) {
    slow_every_ = every;
    slow_for_ = time;
  }
  // How long the handler of the next call is to sleep; only a call that does not counts.
  std::chrono::microseconds NextSleep() {
    if (slow_every_ == 0 || (begun_.fetch_add(1, std::memory_order_relaxed) + 1) % slow_every_ != 0) {
      return std::chrono::microseconds(0);
    }
    return slow_for_;
  }

  // Whoever measures says when; see Interval.
  void StartCounting() { phase_.store(Phase::kCounting, std::memory_order_relaxed); }
  void End() { phase_.store(Phase::kOver, std::memory_order_relaxed); }

  const Histogram& latencies() const { return latencies_; }
  uint64_t calls() const { return calls_.load(); }
  // From when on, and until when, calls are to count.
  Clock::time_point from() const { return from_; }
  Clock::time_point until() const { return until_; }

 private:
  enum class Phase { kWarmup, kCounting, kOver };

  bool counting() const { return phase_.load(std::memory_order_relaxed) == Phase::kCounting; }

  const Clock::time_point from_;
  const Clock::time_point until_;
  int slow_every_ = 0;
  std::chrono::microseconds slow_for_{0};
  std::atomic<int> begun_{0};
  std::atomic<Phase> phase_{Phase::kWarmup};
  std::atomic<uint64_t> calls_{0};
  Histogram latencies_;
};

// The time of a load that counts, and the CPU that this process and the server's used in it, time in the kernel
// included: AF_UNIX sockets do all their work in the system calls of the two.
class Interval {
 public:
  Interval(Load& load, pid_t server);

  // Once each, by one thread; End also ends the load. What counts is between the two, whenever they come, so that a
  // thread that gets no CPU in time falsifies nothing.
  void Begin();
  void End();

  double seconds() const { return std::chrono::duration<double>(end_ - begin_).count(); }
  double cpu_us() const { return end_cpu_us_ - begin_cpu_us_; }

 private:
  double CpuMicroseconds() const;

  Load& load_;
  clockid_t server_clock_;
  Clock::time_point begin_;
  Clock::time_point end_;
  double begin_cpu_us_ = 0;
  double end_cpu_us_ = 0;
};

}  // namespace udsrpc::benchmarks

#endif  // UDSRPC_BENCHMARKS_SUITE_LOAD_H_

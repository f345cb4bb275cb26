#ifndef UDSRPC_BENCHMARKS_SUITE_LOAD_H_
#define UDSRPC_BENCHMARKS_SUITE_LOAD_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "benchmarks/suite/histogram.h"

namespace udsrpc::benchmarks {

using Clock = std::chrono::steady_clock;

// Prints why, and ends the program with 2.
[[noreturn]] void Fail(const std::string& why);

// How long a workload goes on, and what came of it. Thread-safe.
class Load {
 public:
  // Calls that begin before `from` warm up and do not count.
  Load(Clock::time_point from, Clock::time_point until) : from_(from), until_(until) {}

  // Whether no further call is to begin.
  bool over() const { return over_.load(std::memory_order_relaxed); }

  // A call that began at `start` has ended well, now. Gives the time, as the start of a next one.
  Clock::time_point Record(Clock::time_point start);
  // The same for a message of a stream, without a latency of its own.
  void Count();

  // Which calls take long in their handler, on purpose, and are not recorded; 0: none.
  int slow_every() const { return slow_every_; }
  std::chrono::microseconds slow_for() const { return slow_for_; }
  void set_slow(int every, std::chrono::microseconds time) {
    slow_every_ = every;
    slow_for_ = time;
  }

  const Histogram& latencies() const { return latencies_; }
  uint64_t calls() const { return calls_.load(); }
  // From when on, and until when, calls counted.
  Clock::time_point from() const { return from_; }
  Clock::time_point until() const { return until_; }

 private:
  const Clock::time_point from_;
  const Clock::time_point until_;
  int slow_every_ = 0;
  std::chrono::microseconds slow_for_{0};
  std::atomic<bool> over_{false};
  std::atomic<uint64_t> calls_{0};
  Histogram latencies_;
};

}  // namespace udsrpc::benchmarks

#endif  // UDSRPC_BENCHMARKS_SUITE_LOAD_H_

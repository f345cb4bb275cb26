#ifndef UDSRPC_TOOLS_LOAD_RECORD_H_
#define UDSRPC_TOOLS_LOAD_RECORD_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "common/src/stats/latency_buckets.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/latency_histogram.h"

namespace udsrpc::tools {

using LoadClock = std::chrono::steady_clock;

// Durations, counted by any number of threads. Thread-safe.
class LatencyCounts {
 public:
  void Add(LoadClock::duration latency);
  LatencyHistogram Read() const;

 private:
  std::array<std::atomic<uint64_t>, LatencyBuckets::kCount> counts_{};
  std::atomic<uint64_t> sum_{0};
  std::atomic<uint64_t> max_{0};
};

// What came of a load's calls. A call belongs to the measured time by when it was to begin, whenever it ends. What
// returns counts is exact once no call is under way. Thread-safe.
class LoadRecord {
 public:
  // How often calls ended with a status, and what the first of them said.
  struct Failure {
    uint64_t count = 0;
    std::string message;
  };

  LoadRecord(LoadClock::time_point from, LoadClock::time_point until) : from_(from), until_(until) {}

  LoadClock::time_point from() const { return from_; }
  // From when on no call begins.
  LoadClock::time_point until() const { return until_.load(std::memory_order_relaxed); }
  // It is over now, if it was not.
  void EndNow();

  // A call that was to begin at `intended` has ended at `now`, and brought so many messages. Latencies are those of
  // calls that ended with OK.
  void Add(LoadClock::time_point intended, LoadClock::time_point now, const absl::Status& status, uint64_t messages);
  // A call of a schedule begins this much later than it was to.
  void AddDelay(LoadClock::duration delay) { delays_.Add(delay); }

  uint64_t warmup_calls() const { return warmup_calls_.load(); }
  uint64_t ok() const { return ok_.load(); }
  uint64_t failed() const { return failed_.load(); }
  uint64_t messages() const { return messages_.load(); }
  LatencyHistogram latencies() const { return latencies_.Read(); }
  LatencyHistogram delays() const { return delays_.Read(); }
  std::map<absl::StatusCode, Failure> failures() const ABSL_LOCKS_EXCLUDED(mutex_);
  // From the beginning of the measured time to its end, or to that of the last of its calls, where that is later.
  LoadClock::duration elapsed() const;

 private:
  const LoadClock::time_point from_;
  std::atomic<LoadClock::time_point> until_;
  std::atomic<LoadClock::time_point> last_{LoadClock::time_point()};
  std::atomic<uint64_t> warmup_calls_{0};
  std::atomic<uint64_t> ok_{0};
  std::atomic<uint64_t> failed_{0};
  std::atomic<uint64_t> messages_{0};
  LatencyCounts latencies_;
  LatencyCounts delays_;
  mutable internal::Mutex mutex_;
  std::map<absl::StatusCode, Failure> failures_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_LOAD_RECORD_H_

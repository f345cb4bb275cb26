#ifndef UDSRPC_COMMON_STATS_CALL_COUNTERS_H_
#define UDSRPC_COMMON_STATS_CALL_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "common/src/stats/latency_buckets.h"
#include "common/src/stats/thread_slot.h"
#include "udsrpc/internal/call_sizes.h"
#include "udsrpc/latency_histogram.h"

namespace udsrpc {

// What is counted of the calls of one method. Each thread counts in a part of its own, made when it first counts here;
// of a part's histogram only the octaves are made that were needed, so that a method that is called by four threads
// takes about 6 KB, and one that is not called 256 bytes. Thread-safe; to count takes no lock and touches no cache line
// that others write.
class CallCounters {
 public:
  static constexpr size_t kCodes = 17;

  CallCounters() = default;
  ~CallCounters();
  CallCounters(const CallCounters&) = delete;
  CallCounters& operator=(const CallCounters&) = delete;

  void OnStart();
  // Of a call that has started, on any thread.
  void OnEnd(absl::StatusCode code, uint64_t nanoseconds, const internal::CallSizes& sizes);

  struct Totals {
    uint64_t started = 0;
    uint64_t ended = 0;  // never more than `started`
    std::array<uint64_t, kCodes> ended_by_code{};
    uint64_t received_messages = 0;
    uint64_t received_bytes = 0;
    uint64_t sent_messages = 0;
    uint64_t sent_bytes = 0;
    LatencyHistogram latency;
  };
  Totals Read() const;

 private:
  using Counter = std::atomic<uint64_t>;
  using Octave = std::array<Counter, LatencyBuckets::kPerOctave>;

  struct alignas(64) Part {
    ~Part();

    Counter started{0};
    Counter nanoseconds{0};
    Counter longest{0};
    Counter received_messages{0};
    Counter received_bytes{0};
    Counter sent_messages{0};
    Counter sent_bytes{0};
    std::array<Counter, kCodes> ended{};
    std::array<std::atomic<Octave*>, LatencyBuckets::kOctaves> octaves{};
  };

  // Of the thread that has that slot.
  Part& PartOf(int slot);
  static Octave& OctaveOf(Part& part, int octave);

  std::array<std::atomic<Part*>, ThreadSlot::kCount> parts_{};
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_STATS_CALL_COUNTERS_H_

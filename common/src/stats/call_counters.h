#ifndef UDSRPC_COMMON_STATS_CALL_COUNTERS_H_
#define UDSRPC_COMMON_STATS_CALL_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "common/src/stats/latency_buckets.h"
#include "common/src/stats/thread_slot.h"
#include "udsrpc/internal/call_sizes.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/latency_histogram.h"

namespace udsrpc {

// What is counted of the calls of one method. The first few calls are kept as they are, under a lock. Then each thread
// counts in a part of its own, made when it first counts here; of a part's histogram only the octaves are made that
// were needed. So a method that is called by four threads takes about 6 KB, one that was called once 150 bytes, and one
// that is not called 80. Thread-safe; to count, but for those few, takes no lock and touches no cache line that others
// write.
class CallCounters {
 public:
  static constexpr size_t kCodes = 17;
  static constexpr size_t kFew = 8;

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

  struct Ended {
    absl::StatusCode code;
    uint64_t nanoseconds;
    uint64_t received_messages;
    uint64_t received_bytes;
    uint64_t sent_messages;
    uint64_t sent_bytes;
  };

  struct alignas(64) Part {
    ~Part();

    void OnEnd(const Ended& call, bool shared);

    Counter started{0};
    Counter nanoseconds{0};
    Counter longest{0};
    Counter received_messages{0};
    Counter received_bytes{0};
    Counter sent_messages{0};
    Counter sent_bytes{0};
    std::array<Counter, kCodes> ended{};
    std::array<std::atomic<Octave*>, LatencyBuckets::kOctaves> octaves{};

   private:
    Octave& OctaveOf(int octave);
  };

  // One for each slot that a thread may have.
  class Parts {
   public:
    ~Parts();

    Part& Of(int slot);
    Totals Read() const;

   private:
    std::array<std::atomic<Part*>, ThreadSlot::kCount> parts_{};
  };

  // Null: the call is one of the few, and has been counted as such.
  Parts* StartAsOneOfFew();
  Parts* EndAsOneOfFew(const Ended& call);
  void AddFewTo(Part& part) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(few_);

  std::atomic<Parts*> parts_{nullptr};  // null: so far there are only the few

  mutable internal::Mutex few_;
  size_t few_started_ ABSL_GUARDED_BY(few_) = 0;
  std::vector<Ended> few_ended_ ABSL_GUARDED_BY(few_);
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_STATS_CALL_COUNTERS_H_

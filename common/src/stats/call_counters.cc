#include "common/src/stats/call_counters.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace udsrpc {
namespace {

// `shared`: other threads write the counter, too.
void Add(std::atomic<uint64_t>& counter, uint64_t n, bool shared, std::memory_order order = std::memory_order_relaxed) {
  if (shared) {
    counter.fetch_add(n, order);
  } else {
    counter.store(counter.load(std::memory_order_relaxed) + n, order);
  }
}

void RaiseTo(std::atomic<uint64_t>& longest, uint64_t value) {
  uint64_t known = longest.load(std::memory_order_relaxed);
  while (known < value && !longest.compare_exchange_weak(known, value, std::memory_order_relaxed)) {
  }
}

// The one that is there, or a new one, if no other thread is quicker.
template <typename T>
T& MadeOnce(std::atomic<T*>& place) {
  T* there = place.load(std::memory_order_acquire);
  if (there != nullptr) return *there;
  auto made = std::make_unique<T>();
  if (place.compare_exchange_strong(there, made.get(), std::memory_order_acq_rel)) return *made.release();
  return *there;
}

uint64_t Load(const std::atomic<uint64_t>& counter) { return counter.load(std::memory_order_relaxed); }

}  // namespace

CallCounters::Part::~Part() {
  for (std::atomic<Octave*>& octave : octaves) delete octave.load();
}

CallCounters::~CallCounters() {
  for (std::atomic<Part*>& part : parts_) delete part.load();
}

CallCounters::Part& CallCounters::PartOf(int slot) { return MadeOnce(parts_[static_cast<size_t>(slot)]); }

CallCounters::Octave& CallCounters::OctaveOf(Part& part, int octave) {
  return MadeOnce(part.octaves[static_cast<size_t>(octave)]);
}

void CallCounters::OnStart() {
  const int slot = ThreadSlot::Mine();
  Add(PartOf(slot).started, 1, slot == ThreadSlot::kShared);
}

void CallCounters::OnEnd(absl::StatusCode code, uint64_t nanoseconds, const internal::CallSizes& sizes) {
  const int slot = ThreadSlot::Mine();
  const bool shared = slot == ThreadSlot::kShared;
  Part& part = PartOf(slot);
  const int bucket = LatencyBuckets::IndexOf(nanoseconds);
  Octave& octave = OctaveOf(part, bucket / LatencyBuckets::kPerOctave);
  Add(octave[static_cast<size_t>(bucket % LatencyBuckets::kPerOctave)], 1, shared);
  Add(part.nanoseconds, nanoseconds, shared);
  if (nanoseconds > Load(part.longest)) RaiseTo(part.longest, nanoseconds);
  Add(part.received_messages, sizes.received_messages(), shared);
  Add(part.received_bytes, sizes.received_bytes(), shared);
  Add(part.sent_messages, sizes.sent_messages(), shared);
  Add(part.sent_bytes, sizes.sent_bytes(), shared);
  auto number = static_cast<size_t>(code);
  if (number >= kCodes) number = static_cast<size_t>(absl::StatusCode::kUnknown);
  // Last, so that who sees it sees the call's start.
  Add(part.ended[number], 1, shared, std::memory_order_release);
}

CallCounters::Totals CallCounters::Read() const {
  Totals totals;
  std::vector<const Part*> parts;
  for (const std::atomic<Part*>& each : parts_) {
    if (const Part* part = each.load(std::memory_order_acquire); part != nullptr) parts.push_back(part);
  }
  // Ends before starts, over all parts, so that no call has ended that has not started.
  for (const Part* part : parts) {
    for (size_t code = 0; code < kCodes; ++code) {
      const uint64_t ended = part->ended[code].load(std::memory_order_acquire);
      totals.ended_by_code[code] += ended;
      totals.ended += ended;
    }
  }
  std::array<uint64_t, LatencyBuckets::kCount> counts{};
  uint64_t nanoseconds = 0;
  uint64_t longest = 0;
  for (const std::atomic<Part*>& each : parts_) {
    const Part* const part = each.load(std::memory_order_acquire);
    if (part == nullptr) continue;
    totals.started += Load(part->started);
    totals.received_messages += Load(part->received_messages);
    totals.received_bytes += Load(part->received_bytes);
    totals.sent_messages += Load(part->sent_messages);
    totals.sent_bytes += Load(part->sent_bytes);
    nanoseconds += Load(part->nanoseconds);
    longest = std::max(longest, Load(part->longest));
    for (size_t octave = 0; octave < part->octaves.size(); ++octave) {
      const Octave* const buckets = part->octaves[octave].load(std::memory_order_acquire);
      if (buckets == nullptr) continue;
      for (size_t i = 0; i < buckets->size(); ++i) counts[octave * buckets->size() + i] += Load((*buckets)[i]);
    }
  }
  std::vector<LatencyHistogram::Bucket> buckets;
  for (int i = 0; i < LatencyBuckets::kCount; ++i) {
    const uint64_t count = counts[static_cast<size_t>(i)];
    if (count == 0) continue;
    buckets.push_back({.lower = absl::Nanoseconds(static_cast<int64_t>(LatencyBuckets::LowerBoundOf(i))),
                       .upper = absl::Nanoseconds(static_cast<int64_t>(LatencyBuckets::UpperBoundOf(i))),
                       .count = count});
  }
  totals.latency = LatencyHistogram(std::move(buckets), absl::Nanoseconds(static_cast<int64_t>(nanoseconds)),
                                    absl::Nanoseconds(static_cast<int64_t>(longest)));
  return totals;
}

}  // namespace udsrpc

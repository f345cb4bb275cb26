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

CallCounters::Octave& CallCounters::Part::OctaveOf(int octave) {
  return MadeOnce(octaves[static_cast<size_t>(octave)]);
}

void CallCounters::Part::OnEnd(const Ended& call, bool shared) {
  const int bucket = LatencyBuckets::IndexOf(call.nanoseconds);
  Octave& octave = OctaveOf(bucket / LatencyBuckets::kPerOctave);
  Add(octave[static_cast<size_t>(bucket % LatencyBuckets::kPerOctave)], 1, shared);
  Add(nanoseconds, call.nanoseconds, shared);
  if (call.nanoseconds > Load(longest)) RaiseTo(longest, call.nanoseconds);
  Add(received_messages, call.received_messages, shared);
  Add(received_bytes, call.received_bytes, shared);
  Add(sent_messages, call.sent_messages, shared);
  Add(sent_bytes, call.sent_bytes, shared);
  auto number = static_cast<size_t>(call.code);
  if (number >= kCodes) number = static_cast<size_t>(absl::StatusCode::kUnknown);
  // Last, so that who sees it sees the call's start.
  Add(ended[number], 1, shared, std::memory_order_release);
}

CallCounters::Parts::~Parts() {
  for (std::atomic<Part*>& part : parts_) delete part.load();
}

CallCounters::Part& CallCounters::Parts::Of(int slot) { return MadeOnce(parts_[static_cast<size_t>(slot)]); }

CallCounters::~CallCounters() { delete parts_.load(); }

CallCounters::Parts* CallCounters::StartAsOneOfFew() {
  internal::MutexLock lock(few_);
  if (Parts* const parts = parts_.load(std::memory_order_relaxed); parts != nullptr) return parts;
  if (few_started_ < kFew) {
    ++few_started_;
    return nullptr;
  }
  auto parts = std::make_unique<Parts>();
  AddFewTo(parts->Of(ThreadSlot::kShared));
  std::vector<Ended>().swap(few_ended_);
  parts_.store(parts.get(), std::memory_order_release);
  return parts.release();
}

CallCounters::Parts* CallCounters::EndAsOneOfFew(const Ended& call) {
  internal::MutexLock lock(few_);
  if (Parts* const parts = parts_.load(std::memory_order_relaxed); parts != nullptr) return parts;
  few_ended_.push_back(call);
  return nullptr;
}

void CallCounters::AddFewTo(Part& part) const {
  Add(part.started, few_started_, /*shared=*/true);
  for (const Ended& call : few_ended_) part.OnEnd(call, /*shared=*/true);
}

void CallCounters::OnStart() {
  Parts* parts = parts_.load(std::memory_order_acquire);
  if (parts == nullptr) parts = StartAsOneOfFew();
  if (parts == nullptr) return;
  const int slot = ThreadSlot::Mine();
  Add(parts->Of(slot).started, 1, slot == ThreadSlot::kShared);
}

void CallCounters::OnEnd(absl::StatusCode code, uint64_t nanoseconds, const internal::CallSizes& sizes) {
  const Ended call{.code = code,
                   .nanoseconds = nanoseconds,
                   .received_messages = sizes.received_messages(),
                   .received_bytes = sizes.received_bytes(),
                   .sent_messages = sizes.sent_messages(),
                   .sent_bytes = sizes.sent_bytes()};
  Parts* parts = parts_.load(std::memory_order_acquire);
  if (parts == nullptr) parts = EndAsOneOfFew(call);
  if (parts == nullptr) return;
  const int slot = ThreadSlot::Mine();
  parts->Of(slot).OnEnd(call, slot == ThreadSlot::kShared);
}

CallCounters::Totals CallCounters::Read() const {
  if (const Parts* const parts = parts_.load(std::memory_order_acquire); parts != nullptr) return parts->Read();
  Parts few;
  {
    internal::MutexLock lock(few_);
    if (const Parts* const parts = parts_.load(std::memory_order_relaxed); parts != nullptr) return parts->Read();
    AddFewTo(few.Of(ThreadSlot::kShared));
  }
  return few.Read();
}

CallCounters::Totals CallCounters::Parts::Read() const {
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

#include "client/src/method_counters.h"

#include <algorithm>

#include "absl/hash/hash.h"
#include "common/src/stats/read_method_stats.h"
#include "common/src/wire/limits.h"

namespace udsrpc {

MethodCounters::~MethodCounters() {
  for (Place& place : places_) delete place.load();
}

MethodCounters::Found MethodCounters::Search(absl::string_view path, Place& hint) {
  const size_t hash = absl::HashOf(path);
  Method* method = Find(hash, path).load(std::memory_order_acquire);
  if (method == nullptr) method = Add(hash, path);
  if (method == nullptr) return {others_, path};
  Method* none = nullptr;
  if (hint.load(std::memory_order_relaxed) == nullptr) hint.compare_exchange_strong(none, method);
  return {method->counters, method->path};
}

MethodCounters::Place& MethodCounters::Find(size_t hash, absl::string_view path) {
  for (size_t i = hash;; ++i) {
    Place& place = places_[i % kPlaces];
    const Method* const there = place.load(std::memory_order_acquire);
    if (there == nullptr || (there->hash == hash && there->path == path)) return place;
  }
}

MethodCounters::Method* MethodCounters::Add(size_t hash, absl::string_view path) {
  if (path.empty() || path.size() > wire::kMaxMethodPathBytes || full_.load(std::memory_order_relaxed)) return nullptr;
  internal::MutexLock lock(adding_);
  Place& place = Find(hash, path);
  // Another thread may have been quicker.
  if (Method* const there = place.load(std::memory_order_relaxed); there != nullptr) return there;
  if (methods_ == kMaxMethods) return nullptr;
  auto* const added = new Method(hash, path);
  place.store(added, std::memory_order_release);
  if (++methods_ == kMaxMethods) full_.store(true, std::memory_order_relaxed);
  return added;
}

std::vector<MethodStats> MethodCounters::Read() const {
  std::vector<MethodStats> all;
  for (const Place& place : places_) {
    const Method* const method = place.load(std::memory_order_acquire);
    if (method != nullptr) all.push_back(ReadMethodStats(method->path, method->counters));
  }
  std::sort(all.begin(), all.end(), [](const MethodStats& a, const MethodStats& b) { return a.method < b.method; });
  all.push_back(ReadMethodStats("", others_));
  return all;
}

}  // namespace udsrpc

#include "client/src/method_counters.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/hash/hash.h"
#include "common/src/stats/read_method_stats.h"
#include "common/src/wire/limits.h"

namespace udsrpc {

MethodCounters::~MethodCounters() {
  for (const Method* method = first_.load(); method != nullptr;) delete std::exchange(method, method->next);
  delete others_.load();
  delete tables_.load();
}

MethodCounters::Found MethodCounters::Search(const char* name) {
  const absl::string_view path(name);
  const size_t hash = absl::HashOf(path);
  Method* method = Known(hash, path);
  if (method == nullptr) method = Add(hash, path);
  if (method == nullptr) return {Others(), path};
  if (Tables* const tables = tables_.load(std::memory_order_acquire); tables != nullptr) {
    Place& hint = tables->HintFor(name);
    Method* none = nullptr;
    if (hint.load(std::memory_order_relaxed) == nullptr) hint.compare_exchange_strong(none, method);
  }
  return {method->counters, method->path};
}

MethodCounters::Place& MethodCounters::Tables::Find(size_t hash, absl::string_view path) {
  for (size_t i = hash;; ++i) {
    Place& place = places_[i % kPlaces];
    const Method* const there = place.load(std::memory_order_acquire);
    if (there == nullptr || (there->hash == hash && there->path == path)) return place;
  }
}

MethodCounters::Method* MethodCounters::Known(size_t hash, absl::string_view path) const {
  if (Tables* const tables = tables_.load(std::memory_order_acquire); tables != nullptr) {
    return tables->Find(hash, path).load(std::memory_order_acquire);
  }
  Method* method = first_.load(std::memory_order_acquire);
  while (method != nullptr && (method->hash != hash || method->path != path)) method = method->next;
  return method;
}

MethodCounters::Method* MethodCounters::Add(size_t hash, absl::string_view path) {
  if (path.empty() || path.size() > wire::kMaxMethodPathBytes || full_.load(std::memory_order_relaxed)) return nullptr;
  internal::MutexLock lock(adding_);
  // Another thread may have been quicker.
  if (Method* const there = Known(hash, path); there != nullptr) return there;
  if (methods_ == kMaxMethods) return nullptr;
  auto added = std::make_unique<Method>(hash, path, first_.load(std::memory_order_relaxed));
  Tables* tables = tables_.load(std::memory_order_relaxed);
  if (tables == nullptr && methods_ == kWithoutTables) {
    auto made = std::make_unique<Tables>();
    for (Method* method = added->next; method != nullptr; method = method->next) {
      made->Find(method->hash, method->path).store(method, std::memory_order_relaxed);
    }
    tables = made.release();
    tables_.store(tables, std::memory_order_release);
  }
  if (tables != nullptr) tables->Find(hash, path).store(added.get(), std::memory_order_release);
  first_.store(added.get(), std::memory_order_release);
  if (++methods_ == kMaxMethods) full_.store(true, std::memory_order_relaxed);
  return added.release();
}

CallCounters& MethodCounters::Others() {
  if (Method* const others = others_.load(std::memory_order_acquire); others != nullptr) return others->counters;
  internal::MutexLock lock(adding_);
  Method* others = others_.load(std::memory_order_relaxed);
  if (others == nullptr) {
    others = new Method(/*hash=*/0, /*path=*/"", /*next=*/nullptr);
    others_.store(others, std::memory_order_release);
  }
  return others->counters;
}

std::vector<MethodStats> MethodCounters::Read() const {
  std::vector<MethodStats> all;
  for (const Method* method = first_.load(std::memory_order_acquire); method != nullptr; method = method->next) {
    all.push_back(ReadMethodStats(method->path, method->counters));
  }
  std::sort(all.begin(), all.end(), [](const MethodStats& a, const MethodStats& b) { return a.method < b.method; });
  const Method* const others = others_.load(std::memory_order_acquire);
  all.push_back(others == nullptr ? MethodStats() : ReadMethodStats("", others->counters));
  return all;
}

}  // namespace udsrpc

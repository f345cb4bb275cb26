#ifndef UDSRPC_CLIENT_METHOD_COUNTERS_H_
#define UDSRPC_CLIENT_METHOD_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "common/src/stats/call_counters.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/method_stats.h"

namespace udsrpc {

// The counters of a channel's calls, found by the method's name. Where that is in memory is a hint only: a literal of
// generated code, which is there for good, or a variable of the caller's, which has another name in the next call. A
// method that is called for the first time gets a place of its own, as long as there are any; so programs that make
// names up do not make it grow. Thread-safe; to find what is there takes no lock and allocates nothing. A channel that
// calls one method, as most that are idle have, takes 300 bytes here; from the fifth method on 5 KB.
class MethodCounters {
 public:
  static constexpr size_t kMaxMethods = 256;

  MethodCounters() = default;
  ~MethodCounters();
  MethodCounters(const MethodCounters&) = delete;
  MethodCounters& operator=(const MethodCounters&) = delete;

  struct Found {
    CallCounters& counters;  // lives as long as this does
    absl::string_view path;  // lives as long as this, or as `path` that was given
  };
  Found Of(const char* path) {
    if (const Tables* const tables = tables_.load(std::memory_order_acquire); tables != nullptr) {
      Method* const method = tables->HintFor(path).load(std::memory_order_acquire);
      if (method != nullptr && std::strcmp(method->path.c_str(), path) == 0) return {method->counters, method->path};
    } else {
      for (Method* method = first_.load(std::memory_order_acquire); method != nullptr; method = method->next) {
        if (std::strcmp(method->path.c_str(), path) == 0) return {method->counters, method->path};
      }
    }
    return Search(path);
  }

  // See ChannelStats::methods.
  std::vector<MethodStats> Read() const;

 private:
  struct Method {
    Method(size_t hash, absl::string_view path, Method* next) : hash(hash), path(path), next(next) {}

    const size_t hash;
    const std::string path;
    Method* const next;  // the one that was added before, or null
    CallCounters counters;
  };
  using Place = std::atomic<Method*>;

  // Where there are so many methods that to go through all would take longer.
  class Tables {
   public:
    // That of the method, or the empty one where it would be.
    Place& Find(size_t hash, absl::string_view path);
    Place& HintFor(const char* path) const {
      // Fibonacci hashing: the upper bits of a product with 2^64 divided by the golden ratio.
      return hints_[(reinterpret_cast<uintptr_t>(path) * uint64_t{0x9E3779B97F4A7C15}) >> (64 - kHintBits)];
    }

   private:
    // At most half of them are taken, so that none is far from where its hash says.
    static constexpr size_t kPlaces = 2 * kMaxMethods;
    static constexpr int kHintBits = 7;

    std::array<Place, kPlaces> places_{};  // never emptied
    // By the address of the name, the first method that was found so. Never changed, as all threads read them.
    mutable std::array<Place, size_t{1} << kHintBits> hints_{};
  };

  Found Search(const char* path);
  Method* Known(size_t hash, absl::string_view path) const;
  // Null: there is no place for it.
  Method* Add(size_t hash, absl::string_view path);
  CallCounters& Others();

  // To compare four names takes no longer than a hash.
  static constexpr size_t kWithoutTables = 4;

  Place first_{nullptr};   // of all there are, the last that was added
  Place others_{nullptr};  // of calls that are of none of these; null: there were no such
  std::atomic<Tables*> tables_{nullptr};
  std::atomic<bool> full_{false};

  internal::Mutex adding_;
  size_t methods_ ABSL_GUARDED_BY(adding_) = 0;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_METHOD_COUNTERS_H_

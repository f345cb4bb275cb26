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
// names up do not make it grow. Thread-safe; to find what is there takes no lock and allocates nothing.
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
    Place& hint = hints_[HintOf(path)];
    Method* const method = hint.load(std::memory_order_acquire);
    if (method != nullptr && std::strcmp(method->path.c_str(), path) == 0) return {method->counters, method->path};
    return Search(path, hint);
  }

  // See ChannelStats::methods.
  std::vector<MethodStats> Read() const;

 private:
  struct Method {
    Method(size_t hash, absl::string_view path) : hash(hash), path(path) {}

    const size_t hash;
    const std::string path;
    CallCounters counters;
  };
  using Place = std::atomic<Method*>;

  // At most half of them are taken, so that none is far from where its hash says.
  static constexpr size_t kPlaces = 2 * kMaxMethods;
  static constexpr int kHintBits = 7;

  static size_t HintOf(const char* path) {
    // Fibonacci hashing: the upper bits of a product with 2^64 divided by the golden ratio.
    return (reinterpret_cast<uintptr_t>(path) * uint64_t{0x9E3779B97F4A7C15}) >> (64 - kHintBits);
  }
  Found Search(absl::string_view path, Place& hint);
  // That of the method, or the empty one where it would be.
  Place& Find(size_t hash, absl::string_view path);
  // Null: there is no place for it.
  Method* Add(size_t hash, absl::string_view path);

  std::array<Place, kPlaces> places_{};  // never emptied
  // By the address of the name, the first method that was found so. Never changed, as all threads read them.
  std::array<Place, size_t{1} << kHintBits> hints_{};
  std::atomic<bool> full_{false};
  CallCounters others_;

  internal::Mutex adding_;
  size_t methods_ ABSL_GUARDED_BY(adding_) = 0;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_METHOD_COUNTERS_H_

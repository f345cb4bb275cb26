#ifndef UDSRPC_TESTS_RELIABILITY_CALL_LOG_H_
#define UDSRPC_TESTS_RELIABILITY_CALL_LOG_H_

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tests/reliability/mixed_caller.h"
#include "tests/reliability/outages.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc::testing {

// Durations, and what share of them was how long.
class Durations {
 public:
  void Add(absl::Duration duration) { sorted_ = false, values_.push_back(duration); }
  size_t size() const { return values_.size(); }
  // Zero where there are none.
  absl::Duration Quantile(double quantile);
  absl::Duration max() { return Quantile(1); }
  // "n, median, 99 %, 99.9 %, max".
  std::string Summary();

 private:
  std::vector<absl::Duration> values_;
  bool sorted_ = true;
};

// How calls have ended: by kind and status, how long after the death of their server or their deadline, and those that
// ended as none may. Thread-safe.
class CallLog {
 public:
  // What is to be known of a call when it ends.
  struct Begun {
    absl::Time time;
    uint64_t outage_changes;
  };

  // `may_be_refused`: calls may end with RESOURCE_EXHAUSTED.
  explicit CallLog(const Outages& outages, bool may_be_refused = false)
      : outages_(outages), may_be_refused_(may_be_refused) {}

  Begun Begin();
  void End(const Begun& begun, const CallOutcome& outcome);

  // Kind and status ("destroyed" where it has none), and how often.
  using Counts = std::map<std::pair<std::string, std::string>, int64_t>;
  Counts counts() const;
  int64_t calls() const;
  int64_t ok() const;
  // Begun, and not ended.
  int open() const;
  // Ended with UNAVAILABLE by an outage, having begun before it.
  int64_t interrupted() const;
  // How many ended as none may, and the first of them.
  int64_t unexpected() const;
  std::vector<std::string> first_unexpected() const;

  // From the beginning of the outage, or its own if that is later, to the end of a call that an outage met.
  Durations after_death() const;
  // From its deadline to the end of a call that ended by that.
  Durations after_deadline() const;

 private:
  bool IsExpected(const Begun& begun, const CallOutcome& outcome) const;

  const Outages& outages_;
  const bool may_be_refused_;
  mutable internal::Mutex mutex_;
  std::map<std::tuple<const char*, absl::StatusCode, bool>, int64_t> counts_ ABSL_GUARDED_BY(mutex_);
  int open_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t ok_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t interrupted_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t unexpected_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> first_unexpected_ ABSL_GUARDED_BY(mutex_);
  Durations after_death_ ABSL_GUARDED_BY(mutex_);
  Durations after_deadline_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_RELIABILITY_CALL_LOG_H_

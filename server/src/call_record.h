#ifndef UDSRPC_SERVER_CALL_RECORD_H_
#define UDSRPC_SERVER_CALL_RECORD_H_

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/src/probes.h"
#include "common/src/stats/call_counters.h"
#include "common/src/stats/tick_clock.h"
#include "server/src/call_monitor.h"
#include "server/src/caller.h"
#include "udsrpc/internal/call_sizes.h"

namespace udsrpc {

// What is counted of one call, whichever its transport and whether or not it gets as far as a handler. Begin and End by
// one thread at a time; one that is destroyed in between has been cancelled.
class CallRecord {
 public:
  CallRecord() = default;
  CallRecord(const CallRecord&) = delete;
  CallRecord& operator=(const CallRecord&) = delete;
  ~CallRecord() { End(absl::StatusCode::kCancelled, ""); }

  // `path` and `caller`, which may be null where it is not known, live until the call has ended. `counters` are those
  // of its method in `monitor`. `ticks`: when it came, by TickClock.
  void Begin(CallMonitor& monitor, CallCounters& counters, absl::string_view path, const Caller* caller,
             uint64_t ticks) {
    monitor_ = &monitor;
    counters_ = &counters;
    path_ = path;
    caller_ = caller;
    began_ = ticks;
    counters.OnStart();
    if (caller != nullptr) caller->counts().OnStart();
    UDSRPC_PROBE2(server_call_start, path.data(), path.size());
  }

  internal::CallSizes& sizes() { return sizes_; }

  // The first time, of one that has begun; then it says nothing.
  void End(absl::StatusCode code, absl::string_view message) {
    if (monitor_ == nullptr) return;
    const uint64_t nanoseconds = TickClock::Nanoseconds(began_, TickClock::Now());
    counters_->OnEnd(code, nanoseconds, sizes_);
    if (caller_ != nullptr) caller_->counts().OnEnd(code);
    UDSRPC_PROBE4(server_call_end, path_.data(), path_.size(), static_cast<int>(code), nanoseconds);
    CallMonitor& monitor = *std::exchange(monitor_, nullptr);
    if (internal::CallEndListener* listener = monitor.listener(); listener != nullptr) {
      Tell(*listener, code, message, nanoseconds);
    }
  }

 private:
  void Tell(internal::CallEndListener& listener, absl::StatusCode code, absl::string_view message,
            uint64_t nanoseconds) const;

  CallMonitor* monitor_ = nullptr;  // null: it has not begun, or has ended
  CallCounters* counters_ = nullptr;
  absl::string_view path_;
  const Caller* caller_ = nullptr;
  uint64_t began_ = 0;
  internal::CallSizes sizes_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_CALL_RECORD_H_

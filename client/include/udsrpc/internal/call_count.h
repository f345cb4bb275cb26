#ifndef UDSRPC_INTERNAL_CALL_COUNT_H_
#define UDSRPC_INTERNAL_CALL_COUNT_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace udsrpc {
class CallCounters;
class ClientContext;
}  // namespace udsrpc

namespace udsrpc::internal {

// That one call of a channel is counted, from Begin until End. Belongs to whatever the caller has of the call: one that
// is destroyed in between has been let go of, and so cancelled. Used by one thread at a time.
class CallCount {
 public:
  CallCount() = default;
  CallCount(CallCount&& other) noexcept
      : context_(std::exchange(other.context_, nullptr)), counters_(other.counters_), path_(other.path_) {}
  CallCount& operator=(CallCount&& other) noexcept {
    End(absl::StatusCode::kCancelled);
    context_ = std::exchange(other.context_, nullptr);
    counters_ = other.counters_;
    path_ = other.path_;
    return *this;
  }
  ~CallCount() { End(absl::StatusCode::kCancelled); }

  // `context` has been claimed for the call. All must live until it ends.
  void Begin(const ClientContext& context, CallCounters& counters, absl::string_view path);
  bool under_way() const { return context_ != nullptr; }
  // The first time, of one that has begun; then it says nothing.
  void End(absl::StatusCode code) {
    if (under_way()) EndNow(code);
  }

 private:
  void EndNow(absl::StatusCode code);

  const ClientContext* context_ = nullptr;  // null: it has not begun, or has ended
  CallCounters* counters_ = nullptr;
  absl::string_view path_;
};

}  // namespace udsrpc::internal

#endif  // UDSRPC_INTERNAL_CALL_COUNT_H_

#ifndef UDSRPC_SERVER_INTROSPECTION_CALL_WATCH_H_
#define UDSRPC_SERVER_INTROSPECTION_CALL_WATCH_H_

#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/v1/introspection.pb.h"

namespace udsrpc {

// Somebody who watches calls: what they want to see, and what has come and was not taken yet. Thread-safe.
class CallWatch {
 public:
  // At most `max_waiting` calls wait.
  CallWatch(v1::WatchCallsRequest wanted, size_t max_waiting) : wanted_(std::move(wanted)), max_waiting_(max_waiting) {}

  bool payloads() const { return wanted_.payloads(); }
  bool Wants(absl::string_view method, absl::StatusCode code) const;

  // Never blocks for longer than a lock that is held briefly. Drops what there is no room for.
  void Offer(const v1::CallEvent& call);
  // Nothing more will come, nor is waited for.
  void Close();

  // Blocks until there is something, which it moves to `response`. False: it was closed, and nothing is left.
  bool Take(v1::WatchCallsResponse& response);

 private:
  const v1::WatchCallsRequest wanted_;
  const size_t max_waiting_;

  internal::Mutex mutex_;
  internal::CondVar changed_;
  v1::WatchCallsResponse waiting_ ABSL_GUARDED_BY(mutex_);
  uint64_t told_dropped_ ABSL_GUARDED_BY(mutex_) = 0;
  bool pausing_ ABSL_GUARDED_BY(mutex_) = false;  // who takes lets some come together
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_INTROSPECTION_CALL_WATCH_H_

#ifndef UDSRPC_SERVER_INTROSPECTION_CALL_WATCH_H_
#define UDSRPC_SERVER_INTROSPECTION_CALL_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/v1/introspection.pb.h"

namespace udsrpc {

// A call that has ended, as all who watch see it, and what it takes while it waits for them, in bytes: never less than
// its encoding.
struct EndedCall {
  explicit EndedCall(v1::CallEvent ended);

  const v1::CallEvent event;
  const size_t bytes;
};

// Somebody who watches calls: what they want to see, and what has come and was not taken yet. Thread-safe.
class CallWatch {
 public:
  // A response has no more than this, unless it is a single call. Well below what clients take by default, 4 MiB.
  static constexpr size_t kMostResponseBytes = 1 << 20;

  // At most `max_waiting` calls wait, and none comes to `max_waiting_bytes` or more that wait already.
  CallWatch(v1::WatchCallsRequest wanted, size_t max_waiting, size_t max_waiting_bytes)
      : wanted_(std::move(wanted)), max_waiting_(max_waiting), max_waiting_bytes_(max_waiting_bytes) {}

  bool payloads() const { return wanted_.payloads(); }
  bool Wants(absl::string_view method, absl::StatusCode code) const;

  // Never blocks for longer than a lock that is held briefly. Drops what there is no room for.
  void Offer(const std::shared_ptr<const EndedCall>& call);
  // Nothing more will come, nor is waited for.
  void Close();

  // Blocks until there is something, which it moves to `response`, or as much of it as a response may have. False: it
  // was closed, and nothing is left.
  bool Take(v1::WatchCallsResponse& response);

 private:
  bool HalfFull() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // At least one call, where any waits.
  std::deque<std::shared_ptr<const EndedCall>> TakeSome() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const v1::WatchCallsRequest wanted_;
  const size_t max_waiting_;
  const size_t max_waiting_bytes_;

  internal::Mutex mutex_;
  internal::CondVar changed_;
  std::deque<std::shared_ptr<const EndedCall>> waiting_ ABSL_GUARDED_BY(mutex_);
  size_t waiting_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t dropped_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t told_dropped_ ABSL_GUARDED_BY(mutex_) = 0;
  bool pausing_ ABSL_GUARDED_BY(mutex_) = false;  // who takes lets some come together
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_INTROSPECTION_CALL_WATCH_H_

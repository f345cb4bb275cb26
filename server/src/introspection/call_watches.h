#ifndef UDSRPC_SERVER_INTROSPECTION_CALL_WATCHES_H_
#define UDSRPC_SERVER_INTROSPECTION_CALL_WATCHES_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "server/src/introspection/call_watch.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/internal/server_monitor.h"
#include "udsrpc/introspection.h"
#include "udsrpc/server_interceptor.h"

namespace udsrpc {

// Those who watch the calls of a server, which is asked to tell of them while there are any. Thread-safe.
class CallWatches final : public internal::CallEndListener {
 public:
  explicit CallWatches(const IntrospectionOptions& options)
      : max_watchers_(options.max_watchers),
        max_waiting_(options.max_waiting_calls),
        max_waiting_bytes_(options.max_waiting_bytes),
        max_payload_bytes_(options.max_payload_bytes) {}

  // Once, before anybody watches. `monitor` must outlive it.
  void SetMonitor(internal::ServerMonitor& monitor) { monitor_ = &monitor; }

  // INVALID_ARGUMENT, PERMISSION_DENIED, RESOURCE_EXHAUSTED: see introspection.proto. UNAVAILABLE: the server is about
  // to end.
  absl::StatusOr<std::shared_ptr<CallWatch>> Add(const v1::WatchCallsRequest& wanted);
  void Remove(const std::shared_ptr<CallWatch>& watch);
  // Closes all that there are, and those to come until Open.
  void Open();
  void Close();

  // Of a call whose requests are wanted by somebody; else null.
  std::unique_ptr<ServerInterceptor> MakeRecorder(const MethodDescriptor& method);

  // CallEndListener
  void OnCallEnd(const internal::CallEnd& call) override;

 private:
  class Recorder;

  bool wants_payloads() const { return wants_payloads_.load(std::memory_order_relaxed); }
  void Offer(v1::CallEvent event, bool payloads);
  void CountWatches() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_watchers_;
  const size_t max_waiting_;
  const size_t max_waiting_bytes_;
  const size_t max_payload_bytes_;
  internal::ServerMonitor* monitor_ = nullptr;
  std::atomic<bool> wants_payloads_{false};

  internal::Mutex mutex_;
  std::vector<std::shared_ptr<CallWatch>> watches_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_INTROSPECTION_CALL_WATCHES_H_

#ifndef UDSRPC_CLIENT_GRPC_ASYNC_CALL_H_
#define UDSRPC_CLIENT_GRPC_ASYNC_CALL_H_

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "client/src/completion_turn.h"
#include "client/src/grpc_async_queue.h"
#include "client/src/grpc_call.h"
#include "client/src/start_queue.h"
#include "udsrpc/async_call.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// What asynchronous calls over gRPC have in common: how they begin, and how they are given up. Shared by the object
// that stands for the call and by the library's operations under way, which last until the library says so.
class GrpcAsyncCall : public GrpcCall, private StartQueue::Entry {
 public:
  struct Transport {
    Settings settings;
    StartQueue& starts;
    GrpcAsyncQueue& queue;
  };

  // Launches the call, now or once there is a server for it; or fails it, later, with `refusal` or for want of time.
  // std::system_error: there is no thread for it; then it has not begun, and nothing refers to it.
  void Begin(absl::Status refusal = absl::OkStatus());
  // Nobody wants to hear of the call any more, nor may its context be touched. Cancels it if it has not ended; waits
  // for a completion that another thread runs.
  void Abandon();

 protected:
  GrpcAsyncCall(const Transport& transport, const MethodDescriptor& method, ClientContext& context)
      : GrpcCall(transport.settings, method, context), starts_(transport.starts), queue_(transport.queue) {}

  virtual void Launch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) = 0;
  // The call ends before it is launched, with this; gives the mutex up to run completions.
  virtual void FailStart(absl::Status status) ABSL_UNLOCK_FUNCTION(mutex_) = 0;

  void OnCancel() override;

  internal::Mutex mutex_;  // before the context's
  CompletionTurn<AsyncClientStream::Outstanding> turn_ ABSL_GUARDED_BY(mutex_);
  bool abandoned_ ABSL_GUARDED_BY(mutex_) = false;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;  // detached from the context
  GrpcAsyncQueue& queue() { return queue_; }

 private:
  void BeginAttached(absl::Status refusal) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnStart(absl::Status status) override;
  // Has OnStart called once there is a connection, or will be none.
  void AwaitStart();

  StartQueue& starts_;
  GrpcAsyncQueue& queue_;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_ASYNC_CALL_H_

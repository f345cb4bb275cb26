#ifndef UDSRPC_CLIENT_GRPC_ASYNC_QUEUE_H_
#define UDSRPC_CLIENT_GRPC_ASYNC_QUEUE_H_

#include <grpcpp/completion_queue.h>

#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/internal/tsan.h"

namespace udsrpc {

// The completion queue of a channel's asynchronous calls, with a thread that polls it, started with the first of them.
// Thread-safe.
class GrpcAsyncQueue {
 public:
  // What the library is asked to do, once at a time.
  class Operation {
   public:
    virtual ~Operation() = default;

    // The tag to begin it with.
    void* Begin() {
      internal::TsanRelease(this);
      return static_cast<Operation*>(this);
    }

    // It has ended, with what the library says of it. By the queue's thread; may destroy the operation.
    virtual void OnEnd(bool ok) = 0;
  };

  GrpcAsyncQueue() = default;
  // No call is under way, but those that were abandoned and cancelled. Waits for the thread, unless the thread calls.
  ~GrpcAsyncQueue();
  GrpcAsyncQueue(const GrpcAsyncQueue&) = delete;
  GrpcAsyncQueue& operator=(const GrpcAsyncQueue&) = delete;

  // To begin operations on. std::system_error: there is no thread to poll it; later there may be.
  grpc::CompletionQueue* get();

 private:
  static void Poll(const std::shared_ptr<grpc::CompletionQueue>& queue);

  internal::Mutex mutex_;
  std::shared_ptr<grpc::CompletionQueue> queue_ ABSL_GUARDED_BY(mutex_);  // null before the first call
  std::thread thread_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_ASYNC_QUEUE_H_

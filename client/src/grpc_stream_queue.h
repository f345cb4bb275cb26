#ifndef UDSRPC_CLIENT_GRPC_STREAM_QUEUE_H_
#define UDSRPC_CLIENT_GRPC_STREAM_QUEUE_H_

#include <grpcpp/completion_queue.h>

#include "absl/base/thread_annotations.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/internal/tsan.h"

namespace udsrpc {

// The completion queue of one stream, polled by the threads that wait for the stream's operations: one of them at a
// time, which tells another of what has come for it, and leaves the polling to it when its own has come. Two threads
// may wait at a time, each for an operation of its own.
class GrpcStreamQueue {
 public:
  // Something asked of the library, again and again, once at a time.
  class Operation {
   public:
    // The tag to start it with, which Await takes from the queue.
    void* Begin() {
      ended_ = false;
      internal::TsanRelease(this);
      return this;
    }

   private:
    friend class GrpcStreamQueue;

    // Guarded by the queue's lock from Begin on until Await has returned.
    bool ended_ = false;
    bool ok_ = false;
    internal::CondVar wake_;
  };

  GrpcStreamQueue() = default;
  // Nothing is under way then.
  ~GrpcStreamQueue();
  GrpcStreamQueue(const GrpcStreamQueue&) = delete;
  GrpcStreamQueue& operator=(const GrpcStreamQueue&) = delete;

  grpc::CompletionQueue* get() { return &queue_; }

  // Blocks until `operation`, which has begun, has ended. What the library says of it: whether it succeeded.
  bool Await(Operation& operation);

 private:
  // Takes one event from the queue.
  void Poll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  grpc::CompletionQueue queue_;
  internal::Mutex mutex_;
  bool polled_ ABSL_GUARDED_BY(mutex_) = false;
  Operation* waits_for_poller_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_STREAM_QUEUE_H_

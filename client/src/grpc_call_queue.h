#ifndef UDSRPC_CLIENT_GRPC_CALL_QUEUE_H_
#define UDSRPC_CLIENT_GRPC_CALL_QUEUE_H_

#include <grpcpp/completion_queue.h>

namespace udsrpc {

// The completion queue on which a thread makes its blocking calls, one at a time. Kept from call to call: to make one
// costs more than the rest of what a call allocates.
class GrpcCallQueue {
 public:
  // The calling thread's, which lives until the thread ends.
  static GrpcCallQueue& OfThisThread();

  GrpcCallQueue() = default;
  ~GrpcCallQueue();
  GrpcCallQueue(const GrpcCallQueue&) = delete;
  GrpcCallQueue& operator=(const GrpcCallQueue&) = delete;

  grpc::CompletionQueue* get() { return &queue_; }

  // Blocks until the one operation under way has ended, doing the library's reading and writing meanwhile.
  void Await();

  // Does what reading and writing the library has to do at the moment, such as noticing that a connection is gone.
  // No operation is under way. Never blocks; takes about 6 us.
  void Poll();

 private:
  grpc::CompletionQueue queue_;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_CALL_QUEUE_H_

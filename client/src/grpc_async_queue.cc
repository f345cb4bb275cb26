#include "client/src/grpc_async_queue.h"

#include <utility>

namespace udsrpc {

GrpcAsyncQueue::~GrpcAsyncQueue() {
  std::thread thread;
  {
    internal::MutexLock lock(mutex_);
    if (queue_ == nullptr) return;
    queue_->Shutdown();
    thread = std::move(thread_);
  }
  if (thread.get_id() == std::this_thread::get_id()) {
    thread.detach();
  } else {
    thread.join();
  }
}

grpc::CompletionQueue* GrpcAsyncQueue::get() {
  internal::MutexLock lock(mutex_);
  if (queue_ == nullptr) {
    auto queue = std::make_shared<grpc::CompletionQueue>();
    thread_ = std::thread(&GrpcAsyncQueue::Poll, queue);
    queue_ = std::move(queue);  // not where there is no thread to poll it
  }
  return queue_.get();
}

void GrpcAsyncQueue::Poll(const std::shared_ptr<grpc::CompletionQueue>& queue) {
  void* tag;
  bool ok;
  while (queue->Next(&tag, &ok)) {
    auto* const operation = static_cast<Operation*>(tag);
    internal::TsanAcquire(operation);
    operation->OnEnd(ok);
  }
}

}  // namespace udsrpc

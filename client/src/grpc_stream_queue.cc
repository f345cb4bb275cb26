#include "client/src/grpc_stream_queue.h"

namespace udsrpc {

GrpcStreamQueue::~GrpcStreamQueue() {
  queue_.Shutdown();
  void* tag;
  bool ok;
  while (queue_.Next(&tag, &ok)) continue;
}

bool GrpcStreamQueue::Await(Operation& operation) {
  internal::MutexLock lock(mutex_);
  while (!operation.ended_) {
    if (polled_) {
      waits_for_poller_ = &operation;
      operation.wake_.Wait(mutex_);
      waits_for_poller_ = nullptr;
    } else {
      Poll();
    }
  }
  if (!polled_ && waits_for_poller_ != nullptr) waits_for_poller_->wake_.Signal();
  return operation.ok_;
}

void GrpcStreamQueue::Poll() {
  polled_ = true;
  mutex_.Unlock();
  void* tag;
  bool ok;
  queue_.Next(&tag, &ok);
  mutex_.Lock();
  polled_ = false;
  internal::TsanAcquire(tag);
  auto& ended = *static_cast<Operation*>(tag);
  ended.ended_ = true;
  ended.ok_ = ok;
  if (&ended == waits_for_poller_) ended.wake_.Signal();
}

}  // namespace udsrpc

#include "client/src/grpc_call_queue.h"

#include <grpc/support/time.h>

namespace udsrpc {
namespace {

// gRPC looks at all its descriptors at once, but handles one that is ready a poll; others may be before ours.
constexpr int kPolls = 4;

}  // namespace

GrpcCallQueue& GrpcCallQueue::OfThisThread() {
  thread_local GrpcCallQueue queue;
  return queue;
}

GrpcCallQueue::~GrpcCallQueue() {
  queue_.Shutdown();
  Await();
}

void GrpcCallQueue::Await() {
  void* tag;
  bool ok;
  queue_.Next(&tag, &ok);
}

void GrpcCallQueue::Poll() {
  void* tag;
  bool ok;
  for (int i = 0; i < kPolls; ++i) queue_.AsyncNext(&tag, &ok, gpr_inf_past(GPR_CLOCK_MONOTONIC));
}

}  // namespace udsrpc

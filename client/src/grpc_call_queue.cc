#include "client/src/grpc_call_queue.h"

#include <grpc/support/time.h>

#include <memory>

#include "udsrpc/internal/process_bound.h"
#include "udsrpc/internal/process_mark.h"

namespace udsrpc {
namespace {

// gRPC looks at all its descriptors at once, but handles one that is ready a poll; others may be before ours.
constexpr int kPolls = 4;

}  // namespace

GrpcCallQueue& GrpcCallQueue::OfThisThread() {
  struct Kept {
    // The library would wait for threads that a child of fork does not have.
    ~Kept() {
      if (process.elsewhere()) internal::Abandon(queue.release());
    }
    internal::ProcessMark process;
    std::unique_ptr<GrpcCallQueue> queue = std::make_unique<GrpcCallQueue>();
  };
  thread_local Kept kept;
  if (kept.process.elsewhere()) {
    internal::Abandon(kept.queue.release());
    kept.queue = std::make_unique<GrpcCallQueue>();
    kept.process = internal::ProcessMark();
  }
  return *kept.queue;
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

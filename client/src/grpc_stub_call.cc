#include "client/src/grpc_stub_call.h"

#include <system_error>
#include <utility>

#include "client/src/grpc_stub_async_stream.h"
#include "client/src/grpc_stub_async_unary.h"
#include "client/src/grpc_stub_blocking.h"
#include "client/src/thread_stack.h"
#include "common/src/deadline.h"
#include "common/src/timer_thread.h"

namespace udsrpc {
namespace {

bool Sends(GrpcBatch& batch) {
  return batch.QueryInterceptionHookPoint(GrpcPoint::PRE_SEND_MESSAGE) ||
         batch.QueryInterceptionHookPoint(GrpcPoint::PRE_SEND_CLOSE);
}

bool Receives(GrpcBatch& batch) {
  return batch.QueryInterceptionHookPoint(GrpcPoint::PRE_RECV_INITIAL_METADATA) ||
         batch.QueryInterceptionHookPoint(GrpcPoint::PRE_RECV_MESSAGE) ||
         batch.QueryInterceptionHookPoint(GrpcPoint::PRE_RECV_STATUS);
}

MethodKind KindOf(grpc::experimental::ClientRpcInfo::Type type) {
  using Type = grpc::experimental::ClientRpcInfo::Type;
  switch (type) {
    case Type::UNARY:
      return MethodKind::kUnary;
    case Type::CLIENT_STREAMING:
      return MethodKind::kClientStreaming;
    case Type::SERVER_STREAMING:
      return MethodKind::kServerStreaming;
    default:
      return MethodKind::kBidiStreaming;
  }
}

}  // namespace

void GrpcStubCall::Intercept(GrpcBatch* batch) {
  if (batch->QueryInterceptionHookPoint(GrpcPoint::PRE_SEND_CANCEL)) return Cancel();
  if (phase_.load(std::memory_order_acquire) == Phase::kHijacked) return Carry(*batch);
  Begin(*batch);
}

void GrpcStubCall::Begin(GrpcBatch& batch) {
  std::vector<GrpcBatch*> held;
  Phase phase;
  {
    internal::MutexLock lock(mutex_);
    phase = phase_.load(std::memory_order_relaxed);
    if (phase == Phase::kNew && batch.QueryInterceptionHookPoint(GrpcPoint::PRE_SEND_INITIAL_METADATA)) {
      MakeCarrier(batch);
      starter_ = &batch;
      phase_.store(Phase::kStarting, std::memory_order_relaxed);
    } else if (phase == Phase::kStarting && starter_ == &batch) {  // Hijack has been called
      phase_.store(phase = Phase::kHijacked, std::memory_order_release);
      hijacked_.SignalAll();
      held.swap(held_);
    } else if (phase == Phase::kStarting && blocks_) {
      while (phase_.load(std::memory_order_relaxed) == Phase::kStarting) hijacked_.Wait(mutex_);
    } else if (phase == Phase::kNew || phase == Phase::kStarting) {
      return held_.push_back(&batch);
    }
  }
  switch (phase) {
    case Phase::kNew:
      carrier_->Configure(*info_.client_context(), batch);
      return carrier_->Start(batch);
    case Phase::kHijacked:
      for (GrpcBatch* const other : held) other->Proceed();
      return Carry(batch);
    default:  // left to gRPC; or it has waited, and comes again
      AcquireBatch(batch);
      return GoOn(batch);
  }
}

void GrpcStubCall::Cancel() {
  std::vector<GrpcBatch*> held;
  bool left = false;
  {
    internal::MutexLock lock(mutex_);
    if (phase_.load(std::memory_order_relaxed) == Phase::kNew) {
      left = true;
      phase_.store(Phase::kLeft, std::memory_order_relaxed);
      held.swap(held_);
    }
  }
  if (carrier_ != nullptr) return carrier_->Cancel();
  if (left) channel_->CountRefused(path_->c_str(), absl::StatusCode::kCancelled);
  if (held.empty()) return;
  // See GrpcStubCarrier::Cancel. The batches keep the call.
  const auto let_go = [held = std::move(held)] {
    for (GrpcBatch* const batch : held) GoOn(*batch);
  };
  try {
    TimerThread::Get().Add(Deadline::Clock::now(), let_go);
  } catch (const std::system_error&) {  // there is no other thread to be had, and nobody else would go on with them
    let_go();
  }
}

void GrpcStubCall::Carry(GrpcBatch& batch) {
  if (Sends(batch)) return carrier_->Send(batch);
  if (Receives(batch)) return carrier_->Receive(batch);
  AcquireBatch(batch);  // it has nothing to do, or all is done, and this is the thread that takes its event
  GoOn(batch);
}

void GrpcStubCall::MakeCarrier(const GrpcBatch& batch) {
  const MethodKind kind = KindOf(info_.type());
  // gRPC does not say by which interface a call is made. Of the blocking one the batch is a local variable of the
  // thread that makes it, and waits for it; of the others it is memory of the call's. Where this cannot be seen, as on
  // the stack of a fiber, the call goes the other way, which serves it as well, and slower.
  blocks_ = held_.empty() && !options_.generic && IsOnThisThreadsStack(&batch);
  if (blocks_) {
    carrier_ = std::make_shared<GrpcBlockingCarrier>(channel_, std::move(path_), kind, options_);
  } else if (kind == MethodKind::kUnary) {
    carrier_ = std::make_shared<GrpcAsyncUnaryCarrier>(channel_, std::move(path_), kind, options_);
  } else {
    carrier_ = std::make_shared<GrpcAsyncStreamCarrier>(channel_, std::move(path_), kind, options_);
  }
}

}  // namespace udsrpc

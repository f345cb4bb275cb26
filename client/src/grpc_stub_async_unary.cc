#include "client/src/grpc_stub_async_unary.h"

#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace udsrpc {

void GrpcAsyncUnaryCarrier::Start(GrpcBatch& batch) {
  CopySentMessage(batch, request_);
  try {
    if (refusal_.ok()) {
      call_ = channel_->PrepareUnaryCall(method_, context_, request_, response_);
      call_->Start([self = shared_from_this()](const absl::Status& status) mutable {
        const std::shared_ptr<GrpcAsyncUnaryCarrier> carrier = std::move(self);
        carrier->OnDone(status);
      });
    }
  } catch (const std::system_error& error) {
    call_.reset();  // it has not begun, and keeps this
    refusal_ = NoThreadError(error);
  }
  if (!refusal_.ok()) OnDone(refusal_);
  batch.Hijack();
}

void GrpcAsyncUnaryCarrier::Receive(GrpcBatch& batch) {
  const std::shared_ptr<GrpcAsyncUnaryCarrier> self = shared_from_this();  // another thread may end the batch
  absl::Status status;
  {
    internal::MutexLock lock(mutex_);
    if (!result_) return waiting_.push_back(&batch);
    status = *result_;
  }
  Answer(batch, std::move(status));
}

void GrpcAsyncUnaryCarrier::OnDone(const absl::Status& status) {
  std::vector<GrpcBatch*> waiting;
  {
    internal::MutexLock lock(mutex_);
    result_ = status;
    waiting.swap(waiting_);
  }
  for (GrpcBatch* const batch : waiting) Answer(*batch, status);
}

void GrpcAsyncUnaryCarrier::Answer(GrpcBatch& batch, absl::Status status) {
  if (batch.QueryInterceptionHookPoint(GrpcPoint::PRE_RECV_INITIAL_METADATA)) FillInitialMetadata(batch);
  if (batch.QueryInterceptionHookPoint(GrpcPoint::PRE_RECV_MESSAGE)) {
    if (status.ok() && !Deliver(response_, batch)) {
      status = absl::InternalError(absl::StrCat(method_.path, ": the reply does not parse"));
    }
    if (!status.ok()) batch.FailHijackedRecvMessage();
  }
  if (batch.QueryInterceptionHookPoint(GrpcPoint::PRE_RECV_STATUS)) FillStatus(batch, status);
  GoOn(batch);
}

}  // namespace udsrpc

#include "client/src/active_call.h"

#include "absl/status/status.h"

namespace udsrpc {

absl::Status ActiveCall::Claim(ClientContext& context) {
  internal::MutexLock lock(context.mutex_);
  if (context.used_) {
    return absl::FailedPreconditionError("this ClientContext has served a call already; make a new one for each call");
  }
  context.used_ = true;
  context.set_deadline(context.deadline());  // a timeout begins to count
  if (context.cancelled_) return absl::CancelledError("the call was cancelled before it started");
  return absl::OkStatus();
}

void ActiveCall::Attach(ClientContext& context) {
  internal::MutexLock lock(context.mutex_);
  context.active_ = this;
  if (context.cancelled_) OnCancel();
}

void ActiveCall::Detach(ClientContext& context) {
  internal::MutexLock lock(context.mutex_);
  context.active_ = nullptr;
}

}  // namespace udsrpc

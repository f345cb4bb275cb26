#include "udsrpc/client_context.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "client/src/active_call.h"
#include "common/src/fatal.h"

namespace udsrpc {

std::unique_ptr<ClientContext> ClientContext::FromServerContext(const ParentCall& parent) {
  auto context = std::make_unique<ClientContext>();
  context->parent_ = &parent;
  context->subscription_ = parent.cancellation().Subscribe([context = context.get()] { context->Cancel(); });
  return context;
}

ClientContext::~ClientContext() {
  if (parent_ != nullptr) parent_->cancellation().Unsubscribe(subscription_);
  if (!ActiveCall::IsActive(*this)) return;
  Fatal("ClientContext", "it was destroyed during its call; keep it until the call has ended");
}

void ClientContext::set_deadline(absl::Time deadline) {
  deadline_ = deadline;
  timeout_ = absl::InfiniteDuration();
}

void ClientContext::set_timeout(absl::Duration timeout) {
  timeout_ = timeout;
  deadline_ = absl::InfiniteFuture();
}

absl::Time ClientContext::deadline() const {
  absl::Time own = deadline_;
  if (timeout_ != absl::InfiniteDuration()) {
    own = absl::Now() + timeout_;
    if (started_ != std::chrono::steady_clock::time_point()) {
      own -= absl::FromChrono(std::chrono::steady_clock::now() - started_);
    }
  }
  return parent_ == nullptr ? own : std::min(own, parent_->deadline());
}

void ClientContext::Cancel() { ActiveCall::Cancel(*this); }

}  // namespace udsrpc

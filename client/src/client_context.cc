#include "udsrpc/client_context.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "client/src/active_call.h"
#include "common/src/fatal.h"
#include "common/src/stats/tick_clock.h"

namespace udsrpc {
namespace {

// See www.w3.org/TR/trace-context.
constexpr absl::string_view kTraceParent = "traceparent";
constexpr absl::string_view kTraceState = "tracestate";

}  // namespace

std::unique_ptr<ClientContext> ClientContext::FromServerContext(const ParentCall& parent) {
  auto context = std::make_unique<ClientContext>();
  context->parent_ = &parent;
  context->subscription_ = parent.cancellation().Subscribe([context = context.get()] { context->Cancel(); });
  return context;
}

ClientContext::~ClientContext() {
  if (process_.elsewhere()) return;
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
    if (started_ != 0) {
      own -= absl::Nanoseconds(static_cast<int64_t>(TickClock::Nanoseconds(started_, TickClock::Now())));
    }
  }
  return parent_ == nullptr ? own : std::min(own, parent_->deadline());
}

void ClientContext::InheritTrace() {
  if (parent_ == nullptr || metadata_.Get(kTraceParent).has_value()) return;
  const Metadata& received = parent_->received_metadata();
  if (!received.Get(kTraceParent).has_value()) return;  // without it the other says nothing
  for (const auto& [key, value] : received) {
    if (key == kTraceParent || key == kTraceState) metadata_.Add(key, value).IgnoreError();  // it came as metadata
  }
}

void ClientContext::Cancel() { ActiveCall::Cancel(*this); }

}  // namespace udsrpc

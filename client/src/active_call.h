#ifndef UDSRPC_CLIENT_ACTIVE_CALL_H_
#define UDSRPC_CLIENT_ACTIVE_CALL_H_

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "common/src/deadline.h"
#include "udsrpc/client_context.h"

namespace udsrpc {

// A transport's hold on the context of a call under way: fills in its results and hears of Cancel. A transport's call
// object derives from it.
class alignas(8) ActiveCall {
 public:
  virtual ~ActiveCall() = default;

  // Claims `context` for its one call. FAILED_PRECONDITION: it has served one; CANCELLED: Cancel came first.
  static absl::Status Claim(ClientContext& context);

  // Of a claimed context: when it was claimed, by TickClock.
  static uint64_t TicksAtStart(const ClientContext& context) { return context.started_; }
  // And when its call has to be over. Nothing: that was before it began.
  static std::optional<Deadline> DeadlineOf(const ClientContext& context);

  // From Attach until Detach returns, Cancel calls OnCancel; where Cancel came between Claim and Attach, Attach does.
  // Detach waits for an OnCancel that is under way. Lock-free but for that, as every call pays for them.
  void Attach(ClientContext& context);
  void Detach(ClientContext& context);

  // See ClientContext::Cancel.
  static void Cancel(ClientContext& context);
  static bool IsActive(const ClientContext& context);

  static Metadata& SentMetadata(ClientContext& context) { return context.metadata_; }
  static Metadata& InitialMetadata(ClientContext& context) { return context.server_initial_metadata_; }
  static Metadata& TrailingMetadata(ClientContext& context) { return context.server_trailing_metadata_; }

  // What the call has sent and received.
  static internal::CallSizes& Sizes(ClientContext& context) { return context.sizes_; }
  static const internal::CallSizes& Sizes(const ClientContext& context) { return context.sizes_; }

  // Nothing came of it, and it is made again.
  static void Restart(ClientContext& context) {
    context.server_initial_metadata_.clear();
    context.server_trailing_metadata_.clear();
    context.sizes_.Clear();
  }

  // Null: none.
  static internal::OutgoingFds AttachedFds(const ClientContext& context) {
    return internal::CallFds::Attached(context.fds_);
  }
  // The call will not be made again.
  static void ReleaseAttachedFds(ClientContext& context) {
    if (context.fds_ != nullptr) context.fds_->attached = nullptr;
  }
  static void ReceiveFds(ClientContext& context, internal::IncomingFds fds) {
    internal::CallFds::Receive(context.fds_, std::move(fds));
  }

 protected:
  // Must not block and must not touch the context.
  virtual void OnCancel() = 0;

 private:
  // Of ClientContext::state_.
  static constexpr uintptr_t kUsed = 1;
  static constexpr uintptr_t kCancelled = 2;
  static constexpr uintptr_t kCancelling = 4;  // Cancel is about to call OnCancel, or does
  static constexpr uintptr_t kFlags = kUsed | kCancelled | kCancelling;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_ACTIVE_CALL_H_

#ifndef UDSRPC_CLIENT_ACTIVE_CALL_H_
#define UDSRPC_CLIENT_ACTIVE_CALL_H_

#include "absl/status/status.h"
#include "common/src/deadline.h"
#include "udsrpc/client_context.h"

namespace udsrpc {

// A transport's hold on the context of a call under way: fills in its results and hears of Cancel. A transport's call
// object derives from it.
class ActiveCall {
 public:
  virtual ~ActiveCall() = default;

  // Claims `context` for its one call. FAILED_PRECONDITION: it has served one; CANCELLED: Cancel came first.
  static absl::Status Claim(ClientContext& context);

  // Of a claimed context: when it was claimed, and when its call has to be over.
  static Deadline::Clock::time_point StartOf(const ClientContext& context) { return context.started_; }
  static Deadline DeadlineOf(const ClientContext& context);

  // From Attach until Detach returns, Cancel calls OnCancel, with the context's lock held; where Cancel came between
  // Claim and Attach, Attach does.
  void Attach(ClientContext& context);
  void Detach(ClientContext& context);

  static Metadata& SentMetadata(ClientContext& context) { return context.metadata_; }
  static Metadata& InitialMetadata(ClientContext& context) { return context.server_initial_metadata_; }
  static Metadata& TrailingMetadata(ClientContext& context) { return context.server_trailing_metadata_; }

 protected:
  // Must not block and must not touch the context.
  virtual void OnCancel() = 0;

 private:
  friend class ClientContext;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_ACTIVE_CALL_H_

#ifndef UDSRPC_CLIENT_LISTENER_WAIT_H_
#define UDSRPC_CLIENT_LISTENER_WAIT_H_

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/src/active_call.h"
#include "client/src/start_queue.h"
#include "udsrpc/client_context.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// Waits, for a call that cannot begin yet, until there is a connection, or a server that accepts some.
class ListenerWait final : public ActiveCall {
 public:
  // Makes attempts, each of which blocks for some 20 ms at most, until one succeeds: for a call that waits for ready;
  // for another one only while the server's backlog is full, and for 20 s at most. `name` stands for the endpoint in
  // messages. DEADLINE_EXCEEDED, CANCELLED: by `context`. Else what an attempt ended with, where another would not mend
  // it.
  static absl::Status Await(absl::FunctionRef<StartQueue::Attempt()> attempt, absl::string_view name,
                            ClientContext& context, absl::Time deadline);

 protected:
  void OnCancel() override;

 private:
  ListenerWait() = default;

  // Why not to wait any longer.
  absl::Status GivenUp(absl::string_view name, absl::Time deadline) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Run(absl::FunctionRef<StartQueue::Attempt()> attempt, absl::string_view name, bool wait_for_ready,
                   absl::Time deadline);

  internal::Mutex mutex_;
  internal::CondVar changed_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_LISTENER_WAIT_H_

#ifndef UDSRPC_CLIENT_LISTENER_WAIT_H_
#define UDSRPC_CLIENT_LISTENER_WAIT_H_

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/src/active_call.h"
#include "common/src/socket/socket_address.h"
#include "udsrpc/client_context.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// Waits, for a call that waits for ready, until a server accepts connections at an address.
class ListenerWait final : public ActiveCall {
 public:
  // Blocks. `name` stands for the endpoint in messages. DEADLINE_EXCEEDED, CANCELLED: by `context`. UNAVAILABLE:
  // waiting would not mend it, see ConnectSocket.
  static absl::Status Await(const SocketAddress& address, SocketKind kind, absl::string_view name,
                            ClientContext& context, absl::Time deadline);

 protected:
  void OnCancel() override;

 private:
  ListenerWait() = default;

  // Why not to wait any longer.
  absl::Status GivenUp(absl::string_view name, absl::Time deadline) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Run(const SocketAddress& address, SocketKind kind, absl::string_view name, absl::Time deadline);

  internal::Mutex mutex_;
  internal::CondVar changed_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_LISTENER_WAIT_H_

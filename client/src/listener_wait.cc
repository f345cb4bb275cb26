#include "client/src/listener_wait.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/src/retry_pause.h"
#include "common/src/socket/socket.h"

namespace udsrpc {

absl::Status ListenerWait::Await(const SocketAddress& address, SocketKind kind, absl::string_view name,
                                 ClientContext& context, absl::Time deadline) {
  ListenerWait wait;
  wait.Attach(context);
  absl::Status status = wait.Run(address, kind, name, deadline);
  wait.Detach(context);
  return status;
}

absl::Status ListenerWait::Run(const SocketAddress& address, SocketKind kind, absl::string_view name,
                               absl::Time deadline) {
  RetryPause pause;
  internal::MutexLock lock(mutex_);
  for (;;) {
    if (absl::Status status = GivenUp(name, deadline); !status.ok()) return status;
    mutex_.Unlock();
    int error;
    const absl::StatusOr<UniqueFd> socket = ConnectSocket(address, kind, absl::ZeroDuration(), &error);
    mutex_.Lock();
    if (socket.ok()) return absl::OkStatus();
    if (!RetryPause::IsWorthwhile(error)) {
      return absl::Status(socket.status().code(), absl::StrCat(name, ": ", socket.status().message()));
    }
    changed_.WaitWithTimeout(mutex_, std::min(pause.Next(), deadline - absl::Now()));
  }
}

absl::Status ListenerWait::GivenUp(absl::string_view name, absl::Time deadline) const {
  if (cancelled_) return absl::CancelledError(absl::StrCat(name, ": cancelled while it waited for a connection"));
  if (deadline <= absl::Now()) {
    return absl::DeadlineExceededError(absl::StrCat(name, ": no connection before the deadline"));
  }
  return absl::OkStatus();
}

void ListenerWait::OnCancel() {
  internal::MutexLock lock(mutex_);
  cancelled_ = true;
  changed_.SignalAll();
}

}  // namespace udsrpc

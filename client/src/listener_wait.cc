#include "client/src/listener_wait.h"

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/src/retry_pause.h"

namespace udsrpc {
absl::Status ListenerWait::Await(absl::FunctionRef<StartQueue::Attempt()> attempt, absl::string_view name,
                                 ClientContext& context, absl::Time deadline) {
  ListenerWait wait;
  wait.Attach(context);
  absl::Status status = wait.Run(attempt, name, context.wait_for_ready(), deadline);
  wait.Detach(context);
  return status;
}

absl::Status ListenerWait::Run(absl::FunctionRef<StartQueue::Attempt()> attempt, absl::string_view name,
                               bool wait_for_ready, absl::Time deadline) {
  RetryPause pause;
  const absl::Time give_up = absl::Now() + kBacklogPatience;
  internal::MutexLock lock(mutex_);
  for (;;) {
    if (absl::Status status = GivenUp(name, deadline); !status.ok()) return status;
    mutex_.Unlock();
    const StartQueue::Attempt made = attempt();
    mutex_.Lock();
    if (made.code == absl::StatusCode::kOk) return absl::OkStatus();
    const bool again =
        wait_for_ready ? RetryPause::IsWorthwhile(made.error) : made.error == EAGAIN && absl::Now() < give_up;
    if (!again) return absl::Status(made.code, made.message);
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

#include "client/src/seqpacket_connector.h"

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "client/src/active_call.h"
#include "client/src/retry_pause.h"

namespace udsrpc {
// A call that waits for a connection, and hears of its cancellation.
class SeqpacketConnector::Wait final : public ActiveCall {
 public:
  Wait(SeqpacketConnector& connector, ClientContext& context) : connector_(connector), context_(context) {
    Attach(context);
  }
  ~Wait() override { Detach(context_); }

  bool cancelled() const { return cancelled_.load(); }

 protected:
  void OnCancel() override {
    cancelled_.store(true);
    internal::MutexLock lock(connector_.mutex_);
    connector_.changed_.SignalAll();
  }

 private:
  SeqpacketConnector& connector_;
  ClientContext& context_;
  std::atomic<bool> cancelled_{false};
};

absl::StatusOr<std::shared_ptr<SeqpacketConnection>> SeqpacketConnector::Get(ClientContext& context,
                                                                             const Deadline& deadline) {
  {
    internal::MutexLock lock(mutex_);
    if (connection_ != nullptr && !connection_->going_away()) return connection_;
  }
  const Wait wait(*this, context);
  RetryPause pause;
  internal::MutexLock lock(mutex_);
  for (;;) {
    if (absl::Status status = GivenUp(wait, deadline); !status.ok()) return status;
    if (connection_ != nullptr && !connection_->going_away()) return connection_;
    Drop();
    const Failure failure = Attempt(wait, deadline);
    if (failure.code == absl::StatusCode::kOk) continue;
    if (!context.wait_for_ready() || !RetryPause::IsWorthwhile(failure.error)) {
      return absl::Status(failure.code, failure.message);
    }
    const absl::Duration left = deadline.Remaining(Deadline::Clock::now());
    changed_.WaitWithTimeout(mutex_, std::min(pause.Next(), left));
  }
}

void SeqpacketConnector::Rest(ClientContext& context, const Deadline& deadline, absl::Duration pause) {
  const Wait wait(*this, context);
  const Deadline end = std::min(deadline, Deadline::After(pause, Deadline::Clock::now()));
  internal::MutexLock lock(mutex_);
  while (GivenUp(wait, end).ok()) changed_.WaitWithTimeout(mutex_, end.Remaining(Deadline::Clock::now()));
}

void SeqpacketConnector::Forget(const SeqpacketConnection& connection) {
  internal::MutexLock lock(mutex_);
  if (connection_.get() == &connection) Drop();
}

SeqpacketConnector::~SeqpacketConnector() {
  internal::MutexLock lock(mutex_);
  Drop();
}

void SeqpacketConnector::Drop() {
  if (connection_ != nullptr) connection_->Retire();
  connection_.reset();
}

SeqpacketConnector::Failure SeqpacketConnector::Attempt(const Wait& wait, const Deadline& deadline) {
  if (connecting_) {
    const uint64_t before = attempts_;
    while (attempts_ == before && GivenUp(wait, deadline).ok()) {
      changed_.WaitWithTimeout(mutex_, deadline.Remaining(Deadline::Clock::now()));
    }
    return attempts_ == before ? Failure() : last_failure_;
  }
  connecting_ = true;
  mutex_.Unlock();
  int error;
  absl::StatusOr<UniqueFd> socket = Connect(wait, deadline, &error);
  absl::StatusOr<std::shared_ptr<SeqpacketConnection>> made = socket.ok() ? Make(*std::move(socket)) : socket.status();
  mutex_.Lock();
  // That this thread gave up says nothing to the others, which try themselves.
  const bool tell = GivenUp(wait, deadline).ok();
  const Failure failure = Settle(std::move(made), error, tell);
  return tell ? failure : Failure();
}

absl::StatusOr<std::shared_ptr<SeqpacketConnection>> SeqpacketConnector::Make(UniqueFd socket) const {
  absl::StatusOr<std::shared_ptr<SeqpacketConnection>> made =
      SeqpacketConnection::Create(std::move(socket), name(), limits_);
  if (made.ok()) return made;
  dialer_->GiveBack(std::move(socket));  // NOLINT(bugprone-use-after-move): Create has left it where it was
  return absl::Status(made.status().code(), absl::StrCat(name(), ": ", made.status().message()));
}

SeqpacketConnector::Failure SeqpacketConnector::Settle(absl::StatusOr<std::shared_ptr<SeqpacketConnection>> made,
                                                       int error, bool tell) {
  connecting_ = false;
  ++attempts_;
  Failure failure;
  if (made.ok()) {
    connection_ = *std::move(made);
  } else {
    failure = {.code = made.status().code(), .message = std::string(made.status().message()), .error = error};
  }
  last_failure_ = tell ? failure : Failure();
  changed_.SignalAll();
  return failure;
}

std::shared_ptr<SeqpacketConnection> SeqpacketConnector::Current() {
  internal::MutexLock lock(mutex_);
  return connection_ != nullptr && !connection_->going_away() ? connection_ : nullptr;
}

StartQueue::Attempt SeqpacketConnector::TryConnect() {
  internal::MutexLock lock(mutex_);
  if (connecting_) changed_.WaitWithTimeout(mutex_, kBacklogSlice);
  if (connection_ != nullptr && !connection_->going_away()) return Failure();
  if (connecting_) {
    return {.code = absl::StatusCode::kUnavailable, .message = absl::StrCat(name(), ": connecting"), .error = EAGAIN};
  }
  Drop();
  connecting_ = true;
  mutex_.Unlock();
  int error;
  absl::StatusOr<UniqueFd> socket = dialer_->Dial(kBacklogSlice, &error);
  absl::StatusOr<std::shared_ptr<SeqpacketConnection>> made;
  if (socket.ok()) {
    made = Make(*std::move(socket));
  } else {
    made = absl::Status(socket.status().code(), absl::StrCat(name(), ": ", socket.status().message()));
  }
  mutex_.Lock();
  return Settle(std::move(made), error, /*tell=*/error != EAGAIN);
}

absl::StatusOr<UniqueFd> SeqpacketConnector::Connect(const Wait& wait, const Deadline& deadline, int* error) const {
  const Deadline give_up = Deadline::After(kBacklogPatience, Deadline::Clock::now());
  for (;;) {
    const absl::Duration slice = std::min(kBacklogSlice, deadline.Remaining(Deadline::Clock::now()));
    absl::StatusOr<UniqueFd> socket = dialer_->Dial(slice, error);
    const bool again = *error == EAGAIN && !give_up.HasPassed(Deadline::Clock::now()) && GivenUp(wait, deadline).ok();
    if (socket.ok()) return socket;
    if (!again) return absl::Status(socket.status().code(), absl::StrCat(name(), ": ", socket.status().message()));
  }
}

absl::Status SeqpacketConnector::GivenUp(const Wait& wait, const Deadline& deadline) const {
  if (wait.cancelled())
    return absl::CancelledError(absl::StrCat(name(), ": cancelled while it waited for a connection"));
  if (!deadline.never() && deadline.HasPassed(Deadline::Clock::now())) {
    return absl::DeadlineExceededError(absl::StrCat(name(), ": no connection before the deadline"));
  }
  return absl::OkStatus();
}

}  // namespace udsrpc

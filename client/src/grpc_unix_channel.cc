#include "client/src/grpc_unix_channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/create_channel_posix.h>
#include <grpcpp/security/credentials.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "client/src/listener_wait.h"
#include "client/src/retry_pause.h"
#include "common/src/socket/socket.h"
#include "udsrpc/endpoint.h"

namespace udsrpc {
std::shared_ptr<GrpcLink> GrpcUnixChannel::Current() {
  std::shared_ptr<GrpcLink> link = MadeOrMake();
  if (must_connect() || link->GetState() != GRPC_CHANNEL_TRANSIENT_FAILURE) return link;
  // It failed behind the back of the call that it was made for, which had ended before: by its deadline, or cancelled.
  Replace(*link);
  return MadeOrMake();
}

std::shared_ptr<GrpcLink> GrpcUnixChannel::MadeOrMake() {
  internal::MutexLock lock(mutex_);
  return CurrentLocked();
}

std::shared_ptr<GrpcLink> GrpcUnixChannel::CurrentLocked() {
  if (!must_connect()) {
    if (current_ == nullptr) current_ = MakeLink();
  } else if (current_ != nullptr && current_->GetState() != GRPC_CHANNEL_READY) {
    current_.reset();
  }
  return current_;
}

bool GrpcUnixChannel::IsReady() {
  const std::shared_ptr<GrpcLink> link = Current();
  return link != nullptr && (must_connect() || link->GetState() == GRPC_CHANNEL_READY);
}

std::shared_ptr<GrpcLink> GrpcUnixChannel::MakeLink() const {
  std::string target = target_;
  UniqueFd directory;
  if (dialer_->address()->is_long()) {
    // Without a directory the number is -1, which there is none of: to connect fails, and the next call tries again.
    directory = OpenDirectory(dialer_->address()->directory());
    target = Endpoint::FromPath(dialer_->address()->InDirectory(directory.get()).path())->ToString();
  }
  return GrpcLink::ThatConnects(grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments_),
                                std::move(directory));
}

StartQueue::Attempt GrpcUnixChannel::Connect() {
  {
    internal::MutexLock lock(mutex_);
    if (connecting_) changed_.WaitWithTimeout(mutex_, kBacklogSlice);
    if (CurrentLocked() != nullptr) return {};
    if (connecting_) {
      return {.code = absl::StatusCode::kUnavailable,
              .message = absl::StrCat(dialer_->name(), ": connecting"),
              .error = EAGAIN};
    }
    connecting_ = true;
  }
  StartQueue::Attempt attempt;
  absl::StatusOr<std::shared_ptr<GrpcLink>> link = Dial(&attempt.error);
  if (!link.ok()) {
    attempt.code = link.status().code();
    attempt.message = absl::StrCat(dialer_->name(), ": ", link.status().message());
  }
  internal::MutexLock lock(mutex_);
  connecting_ = false;
  if (link.ok()) current_ = *std::move(link);
  changed_.SignalAll();
  return attempt;
}

absl::StatusOr<std::shared_ptr<GrpcLink>> GrpcUnixChannel::Dial(int* error) const {
  absl::StatusOr<UniqueFd> socket = dialer_->Dial(kBacklogSlice, error);
  if (!socket.ok()) return socket.status();
  UniqueFd watched = DuplicateAbove(socket->get(), 0);
  if (!watched.valid()) {
    dialer_->GiveBack(*std::move(socket));
    return absl::ResourceExhaustedError("no descriptor left; raise the limit of open files");
  }
  return GrpcLink::Of(grpc::CreateCustomInsecureChannelFromFd(dialer_->name(), socket->release(), arguments_),
                      std::move(watched));
}

StartQueue::Attempt GrpcUnixChannel::Probe() {
  if (must_connect()) return Connect();
  StartQueue::Attempt attempt;
  const absl::Status status = dialer_->Dial(absl::ZeroDuration(), &attempt.error).status();
  if (status.ok()) OnListenerFound();
  attempt.code = status.code();
  if (!status.ok()) attempt.message = absl::StrCat(dialer_->name(), ": ", status.message());
  return attempt;
}

absl::Status GrpcUnixChannel::AwaitReady(ClientContext& context, absl::Time deadline) {
  if (IsReady()) return absl::OkStatus();
  return ListenerWait::Await([this] { return Probe(); }, dialer_->name(), context, deadline);
}

void GrpcUnixChannel::OnListenerFound() {
  if (!dialer_->address()->is_long()) return;
  internal::MutexLock lock(mutex_);
  if (current_ != nullptr && current_->GetState() != GRPC_CHANNEL_READY) current_.reset();
}

void GrpcUnixChannel::Replace(const GrpcLink& link) {
  internal::MutexLock lock(mutex_);
  if (current_.get() == &link) current_.reset();
}

}  // namespace udsrpc

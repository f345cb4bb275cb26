#include "client/src/grpc_channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "client/src/listener_wait.h"
#include "common/src/socket/socket.h"
#include "udsrpc/endpoint.h"

namespace udsrpc {
namespace {

// Calls in close succession never pay for the look at the connection, about 6 us; no server restarts within this.
constexpr std::chrono::nanoseconds kLongUnused = std::chrono::milliseconds(1);

}  // namespace

std::shared_ptr<GrpcChannel::Link> GrpcChannel::Current() {
  internal::MutexLock lock(mutex_);
  if (current_ == nullptr) current_ = MakeLink();
  return current_;
}

std::shared_ptr<GrpcChannel::Link> GrpcChannel::MakeLink() const {
  std::string target = target_;
  UniqueFd directory;
  if (address_ && address_->is_long()) {
    // Without a directory the number is -1, which there is none of: to connect fails, and the next call tries again.
    directory = OpenDirectory(address_->directory());
    target = Endpoint::FromPath(address_->InDirectory(directory.get()).path())->ToString();
  }
  return std::make_shared<Link>(grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments_),
                                std::move(directory));
}

absl::Status GrpcChannel::AwaitReady(absl::string_view name, ClientContext& context, absl::Time deadline) {
  if (!address_ || IsReady()) return absl::OkStatus();
  absl::Status status = ListenerWait::Await(*address_, SocketKind::kStream, name, context, deadline);
  if (status.ok()) OnListenerFound();
  return status;
}

void GrpcChannel::OnListenerFound() {
  if (!address_->is_long()) return;
  internal::MutexLock lock(mutex_);
  if (current_ != nullptr && current_->channel->GetState(/*try_to_connect=*/false) != GRPC_CHANNEL_READY) {
    current_.reset();
  }
}

StartQueue::Attempt GrpcChannel::Probe() {
  StartQueue::Attempt attempt;
  if (!address_) return attempt;
  const absl::Status status =
      ConnectSocket(*address_, SocketKind::kStream, absl::ZeroDuration(), &attempt.error).status();
  if (status.ok()) OnListenerFound();
  attempt.code = status.code();
  attempt.message = std::string(status.message());
  return attempt;
}

void GrpcChannel::Replace(const Link& link) {
  internal::MutexLock lock(mutex_);
  if (current_.get() == &link) current_.reset();
}

bool GrpcChannel::LongUnused() const {
  return NowNanoseconds() - last_use_.load(std::memory_order_relaxed) > kLongUnused.count();
}

}  // namespace udsrpc

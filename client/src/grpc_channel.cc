#include "client/src/grpc_channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "client/src/listener_wait.h"
#include "common/src/socket/socket.h"

namespace udsrpc {
namespace {

// Calls in close succession never pay for the look at the connection, about 6 us; no server restarts within this.
constexpr std::chrono::nanoseconds kLongUnused = std::chrono::milliseconds(1);

}  // namespace

std::shared_ptr<GrpcChannel::Link> GrpcChannel::Current() {
  internal::MutexLock lock(mutex_);
  if (current_ == nullptr) {
    current_ =
        std::make_shared<Link>(grpc::CreateCustomChannel(target_, grpc::InsecureChannelCredentials(), arguments_));
  }
  return current_;
}

absl::Status GrpcChannel::AwaitReady(absl::string_view name, ClientContext& context, absl::Time deadline) {
  if (!address_ || IsReady()) return absl::OkStatus();
  return ListenerWait::Await(*address_, SocketKind::kStream, name, context, deadline);
}

StartQueue::Attempt GrpcChannel::Probe() const {
  StartQueue::Attempt attempt;
  if (!address_) return attempt;
  const absl::Status status =
      ConnectSocket(*address_, SocketKind::kStream, absl::ZeroDuration(), &attempt.error).status();
  attempt.code = status.code();
  attempt.message = std::string(status.message());
  return attempt;
}

void GrpcChannel::Replace(const Link& failed) {
  internal::MutexLock lock(mutex_);
  if (current_.get() == &failed) current_.reset();
}

bool GrpcChannel::LongUnused() const {
  return NowNanoseconds() - last_use_.load(std::memory_order_relaxed) > kLongUnused.count();
}

}  // namespace udsrpc

#include "client/src/grpc_channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "client/src/listener_wait.h"

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
  if (!address_ || Current()->channel->GetState(/*try_to_connect=*/false) == GRPC_CHANNEL_READY)
    return absl::OkStatus();
  return ListenerWait::Await(*address_, SocketKind::kStream, name, context, deadline);
}

void GrpcChannel::Replace(const Link& failed) {
  internal::MutexLock lock(mutex_);
  if (current_.get() == &failed) current_.reset();
}

bool GrpcChannel::LongUnused() const {
  return NowNanoseconds() - last_use_.load(std::memory_order_relaxed) > kLongUnused.count();
}

}  // namespace udsrpc

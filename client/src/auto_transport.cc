#include "client/src/auto_transport.h"

#include <cerrno>

#include "absl/time/clock.h"

namespace udsrpc {
namespace {

constexpr std::chrono::seconds kRetrySeqpacketAfter(1);

bool MeansNotOffered(int error) {
  return error == ENOENT || error == ENOTDIR || error == ECONNREFUSED || error == EPROTOTYPE || error == EACCES;
}

}  // namespace

absl::Status AutoTransport::UnaryCall(const MethodDescriptor& method, ClientContext& context,
                                      const google::protobuf::MessageLite& request,
                                      google::protobuf::MessageLite& response) {
  ClientTransport& chosen = ServerOffersSeqpacket(context) ? static_cast<ClientTransport&>(*seqpacket_) : *grpc_;
  return chosen.UnaryCall(method, context, request, response);
}

bool AutoTransport::ServerOffersSeqpacket(const ClientContext& context) {
  const Deadline::Clock::time_point now = Deadline::Clock::now();
  if (now.time_since_epoch().count() < next_try_.load(std::memory_order_relaxed)) return false;
  int error;
  const Deadline deadline = Deadline::After(context.deadline() - absl::Now(), now);
  // Where the connection fails for another reason, the call finds the same and says so.
  if (seqpacket_->Connection(deadline, &error).ok() || !MeansNotOffered(error)) return true;
  next_try_.store((now + kRetrySeqpacketAfter).time_since_epoch().count(), std::memory_order_relaxed);
  return false;
}

}  // namespace udsrpc

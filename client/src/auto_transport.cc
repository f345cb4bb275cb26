#include "client/src/auto_transport.h"

#include <chrono>

namespace udsrpc {
namespace {

constexpr std::chrono::seconds kRetrySeqpacketAfter(1);

}  // namespace

absl::Status AutoTransport::UnaryCall(const MethodDescriptor& method, ClientContext& context,
                                      const google::protobuf::MessageLite& request,
                                      google::protobuf::MessageLite& response) {
  const Deadline::Clock::time_point now = Deadline::Clock::now();
  if (now.time_since_epoch().count() >= next_try_.load(std::memory_order_relaxed)) {
    bool offered;
    absl::Status status = seqpacket_->UnaryCallIfOffered(method, context, request, response, &offered);
    if (offered) return status;
    next_try_.store((now + kRetrySeqpacketAfter).time_since_epoch().count(), std::memory_order_relaxed);
  }
  return grpc_->UnaryCall(method, context, request, response);
}

}  // namespace udsrpc

#include "client/src/auto_transport.h"

#include <chrono>

namespace udsrpc {
namespace {

constexpr std::chrono::seconds kRetrySeqpacketAfter(1);

}  // namespace

bool AutoTransport::ShouldTrySeqpacket() const {
  return Deadline::Clock::now().time_since_epoch().count() >= next_try_.load(std::memory_order_relaxed);
}

void AutoTransport::RememberNotOffered() {
  next_try_.store((Deadline::Clock::now() + kRetrySeqpacketAfter).time_since_epoch().count(),
                  std::memory_order_relaxed);
}

absl::Status AutoTransport::UnaryCall(const MethodDescriptor& method, ClientContext& context,
                                      const google::protobuf::MessageLite& request,
                                      google::protobuf::MessageLite& response) {
  if (ShouldTrySeqpacket()) {
    bool offered;
    absl::Status status = seqpacket_->UnaryCallIfOffered(method, context, request, response, &offered);
    if (offered) return status;
    RememberNotOffered();
  }
  return grpc_->UnaryCall(method, context, request, response);
}

std::unique_ptr<ClientStream> AutoTransport::StreamingCall(const MethodDescriptor& method, ClientContext& context,
                                                           const google::protobuf::MessageLite* request) {
  if (ShouldTrySeqpacket()) {
    bool offered;
    std::unique_ptr<ClientStream> stream = seqpacket_->StreamingCallIfOffered(method, context, request, &offered);
    if (offered) return stream;
    RememberNotOffered();
  }
  return grpc_->StreamingCall(method, context, request);
}

}  // namespace udsrpc

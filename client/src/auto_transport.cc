#include "client/src/auto_transport.h"

#include <chrono>

namespace udsrpc {
namespace {

constexpr std::chrono::seconds kRetrySeqpacketAfter(1);

}  // namespace

ClientTransport& AutoTransport::Choose() {
  const Deadline::Clock::rep next_try = next_try_.load(std::memory_order_relaxed);
  if (next_try != 0 && Deadline::Clock::now().time_since_epoch().count() < next_try) return *grpc_;
  if (seqpacket_->IsOffered()) return *seqpacket_;
  next_try_.store((Deadline::Clock::now() + kRetrySeqpacketAfter).time_since_epoch().count(),
                  std::memory_order_relaxed);
  return *grpc_;
}

}  // namespace udsrpc

#include "common/src/socket/packet_sender.h"

#include <utility>

namespace udsrpc {

IoOutcome PacketSender::Flush(internal::Mutex& mutex) {
  if (sending_ || blocked_) return IoOutcome::kDone;
  sending_ = true;
  IoOutcome outcome = IoOutcome::kDone;
  while (outcome == IoOutcome::kDone && !queue_.empty()) {
    wire::PacketQueue::Packet packet = queue_.Take();
    bytes_in_flight_ = packet.bytes().size();
    mutex.Unlock();
    outcome = SendPacket(fd_, packet.bytes()).outcome;
    mutex.Lock();
    bytes_in_flight_ = 0;
    if (outcome == IoOutcome::kDone) {
      queue_.Recycle(std::move(packet));
    } else {
      queue_.Return(std::move(packet));
    }
  }
  sending_ = false;
  blocked_ = outcome == IoOutcome::kWouldBlock;
  return outcome;
}

}  // namespace udsrpc

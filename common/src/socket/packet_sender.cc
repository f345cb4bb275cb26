#include "common/src/socket/packet_sender.h"

#include <utility>

namespace udsrpc {

IoOutcome PacketSender::Flush(internal::Mutex& mutex) {
  if (sending_ || blocked_) return IoOutcome::kDone;
  sending_ = true;
  IoOutcome outcome = IoOutcome::kDone;
  while (outcome == IoOutcome::kDone && !empty()) {
    wire::PacketQueue& source = control_.empty() ? queue_ : control_;
    wire::PacketQueue::Packet packet = source.Take();
    if (&source == &queue_) bytes_in_flight_ = packet.bytes().size();
    mutex.Unlock();
    outcome = SendPacket(fd_, packet.bytes()).outcome;
    mutex.Lock();
    bytes_in_flight_ = 0;
    if (outcome == IoOutcome::kDone) {
      source.Recycle(std::move(packet));
    } else {
      source.Return(std::move(packet));
    }
  }
  sending_ = false;
  blocked_ = outcome == IoOutcome::kWouldBlock;
  return outcome;
}

}  // namespace udsrpc

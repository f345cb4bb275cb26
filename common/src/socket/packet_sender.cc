#include "common/src/socket/packet_sender.h"

#include <utility>

namespace udsrpc {
namespace {

IoOutcome Send(int fd, wire::PacketQueue::Packet& packet) {
  if (packet.fds() == nullptr) return SendPacket(fd, packet.bytes()).outcome;
  const IoOutcome outcome = SendPacket(fd, packet.bytes(), *packet.fds()).outcome;
  if (outcome != IoOutcome::kFailed) return outcome;
  // Be it for its descriptors or not: without them the kernel will say. The peer ends the call that they are missing
  // in, and the connection goes on.
  packet.LoseFds();
  return SendPacket(fd, packet.bytes()).outcome;
}

}  // namespace

IoOutcome PacketSender::Flush(internal::Mutex& mutex) {
  if (sending_ || blocked_) return IoOutcome::kDone;
  sending_ = true;
  IoOutcome outcome = IoOutcome::kDone;
  while (outcome == IoOutcome::kDone && !empty()) {
    wire::PacketQueue& source = control_.empty() ? queue_ : control_;
    wire::PacketQueue::Packet packet = source.Take();
    if (&source == &queue_) bytes_in_flight_ = packet.bytes().size();
    mutex.Unlock();
    outcome = Send(fd_, packet);
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

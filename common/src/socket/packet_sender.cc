#include "common/src/socket/packet_sender.h"

#include <utility>

namespace udsrpc {
namespace {

IoResult Send(int fd, wire::PacketQueue::Packet& packet) {
  if (packet.fds() == nullptr) return SendPacket(fd, packet.bytes());
  const IoResult result = SendPacket(fd, packet.bytes(), *packet.fds());
  if (result.outcome != IoOutcome::kFailed) return result;
  // Be it for its descriptors or not: without them the kernel will say. The peer ends the call that they are missing
  // in, and the connection goes on.
  packet.LoseFds();
  return SendPacket(fd, packet.bytes());
}

}  // namespace

IoResult PacketSender::Flush(internal::Mutex& mutex) {
  IoResult result{IoOutcome::kDone};
  if (sending_ || blocked_) return result;
  sending_ = true;
  while (result.outcome == IoOutcome::kDone && !empty()) {
    wire::PacketQueue& source = control_.empty() ? queue_ : control_;
    wire::PacketQueue::Packet packet = source.Take();
    if (&source == &queue_) bytes_in_flight_ = packet.bytes().size();
    mutex.Unlock();
    result = Send(fd_, packet);
    mutex.Lock();
    bytes_in_flight_ = 0;
    if (result.outcome == IoOutcome::kDone) {
      source.Recycle(std::move(packet));
    } else {
      source.Return(std::move(packet));
    }
  }
  sending_ = false;
  starved_ = result.outcome == IoOutcome::kNoMemory;
  blocked_ = starved_ || result.outcome == IoOutcome::kWouldBlock;
  return result;
}

}  // namespace udsrpc

#include "common/src/wire/packet_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/src/wire/byte_order.h"

namespace udsrpc::wire {
namespace {

// What a packet starts with and what an idle queue keeps: a small unary call or a few, and little enough for ten
// thousand idle connections.
constexpr size_t kSmallPacketBytes = 512;
// An idle queue has room for no more.
constexpr size_t kFewPackets = 4;

}  // namespace

void PacketQueue::Packet::Attach(internal::OutgoingFds fds, size_t head_end) {
  attached_ = std::make_unique<Attached>(Attached{.fds = std::move(fds), .head_end = head_end});
}

void PacketQueue::Packet::LoseFds() {
  constexpr uint16_t kLost = 0;  // in the place of their number, the last field of the head
  ByteWriter(data() + attached_->head_end - sizeof(kLost)).Write(kLost);
  attached_ = nullptr;
}

char* PacketQueue::Append(size_t size, bool with_fds) {
  if (empty() || last_is_whole_ || packets_.back().size_ + size > kMaxPacketBytes ||
      (with_fds && packets_.back().attached_ != nullptr)) {
    packets_.push_back(std::exchange(spare_, Packet()));
    last_is_whole_ = false;
  }
  Packet& packet = packets_.back();
  Reserve(packet, packet.size_ + size);
  char* out = packet.data_.get() + packet.size_;
  packet.size_ += size;
  bytes_appended_ += size;
  return out;
}

void PacketQueue::AppendPacket(Packet packet) {
  bytes_appended_ += packet.size_;
  fds_ += packet.fd_count();
  packets_.push_back(std::move(packet));
  last_is_whole_ = true;
}

void PacketQueue::Reserve(Packet& packet, size_t capacity) {
  if (capacity <= packet.capacity_) return;
  capacity =
      std::clamp(std::max(capacity, 4 * packet.capacity_), kSmallPacketBytes, std::max(capacity, kMaxPacketBytes));
  Block data = MakeBlock(capacity, &packet.capacity_);
  if (packet.size_ > 0) std::memcpy(data.get(), packet.data_.get(), packet.size_);
  packet.data_ = std::move(data);
}

PacketQueue::Packet PacketQueue::Take() {
  Packet packet = std::move(packets_[first_++]);
  bytes_taken_ += packet.size_;
  fds_ -= packet.fd_count();
  if (empty()) {
    packets_.clear();
    if (packets_.capacity() > kFewPackets) packets_.shrink_to_fit();
    first_ = 0;
  } else if (first_ > packets_.size() / 2) {
    packets_.erase(packets_.begin(), packets_.begin() + static_cast<ptrdiff_t>(std::exchange(first_, 0)));
  }
  return packet;
}

void PacketQueue::Return(Packet packet) {
  bytes_taken_ -= packet.size_;
  fds_ += packet.fd_count();
  if (first_ > 0) {
    packets_[--first_] = std::move(packet);
  } else {
    packets_.insert(packets_.begin(), std::move(packet));
  }
}

void PacketQueue::Recycle(Packet packet) {
  if (packet.capacity_ > kSmallPacketBytes) return;
  packet.size_ = 0;
  packet.attached_ = nullptr;
  spare_ = std::move(packet);
}

void PacketQueue::Clear() {
  packets_.clear();
  first_ = 0;
  bytes_appended_ = bytes_taken_;
  fds_ = 0;
}

}  // namespace udsrpc::wire

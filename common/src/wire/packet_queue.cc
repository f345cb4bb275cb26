#include "common/src/wire/packet_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace udsrpc::wire {
namespace {

// What a packet starts with and what an idle queue keeps: a small unary call or a few, and little enough for ten
// thousand idle connections.
constexpr size_t kSmallPacketBytes = 1024;

}  // namespace

char* PacketQueue::Append(size_t size) {
  if (packets_.empty() || last_is_whole_ || packets_.back().size_ + size > kMaxPacketBytes) {
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
  packets_.push_back(std::move(packet));
  last_is_whole_ = true;
}

void PacketQueue::Reserve(Packet& packet, size_t capacity) {
  if (capacity <= packet.capacity_) return;
  capacity =
      std::clamp(std::max(capacity, 2 * packet.capacity_), kSmallPacketBytes, std::max(capacity, kMaxPacketBytes));
  std::unique_ptr<char[]> data(new char[capacity]);
  if (packet.size_ > 0) std::memcpy(data.get(), packet.data_.get(), packet.size_);
  packet.data_ = std::move(data);
  packet.capacity_ = capacity;
}

PacketQueue::Packet PacketQueue::Take() {
  Packet packet = std::move(packets_.front());
  packets_.pop_front();
  bytes_taken_ += packet.size_;
  return packet;
}

void PacketQueue::Return(Packet packet) {
  bytes_taken_ -= packet.size_;
  packets_.push_front(std::move(packet));
}

void PacketQueue::Recycle(Packet packet) {
  if (packet.capacity_ > kSmallPacketBytes) return;
  packet.size_ = 0;
  spare_ = std::move(packet);
}

void PacketQueue::Clear() {
  packets_.clear();
  bytes_appended_ = bytes_taken_;
}

}  // namespace udsrpc::wire

#ifndef UDSRPC_COMMON_WIRE_PACKET_BUFFER_H_
#define UDSRPC_COMMON_WIRE_PACKET_BUFFER_H_

#include <atomic>
#include <utility>

#include "common/src/wire/limits.h"

namespace udsrpc {

// One reference of several to a buffer of wire::kMaxPacketBytes for a packet that is received, or to none. What came in
// it is used where it is: a request until it is parsed, a fragment until its message is. Then the buffer goes to the
// next that asks, of any connection, so that idle ones keep none. A reference is used by one thread at a time.
class PacketBuffer {
 public:
  // Uninitialized, and referred to by this alone.
  static PacketBuffer Make();

  PacketBuffer() = default;
  PacketBuffer(const PacketBuffer& other) : bytes_(other.bytes_) {
    if (bytes_ != nullptr) references().fetch_add(1, std::memory_order_relaxed);
  }
  PacketBuffer(PacketBuffer&& other) noexcept : bytes_(std::exchange(other.bytes_, nullptr)) {}
  PacketBuffer& operator=(PacketBuffer other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~PacketBuffer() {
    if (bytes_ != nullptr && references().fetch_sub(1, std::memory_order_acq_rel) == 1) Return();
  }

  explicit operator bool() const { return bytes_ != nullptr; }
  char* data() const { return bytes_; }

  // Has it refer to a buffer that nobody else refers to, or reads: this one, where that is so.
  void MakeUnshared() {
    if (bytes_ == nullptr || references().load(std::memory_order_acquire) != 1) *this = Make();
  }

 private:
  // Behind the packet.
  using References = std::atomic<int>;
  References& references() const { return *reinterpret_cast<References*>(bytes_ + wire::kMaxPacketBytes); }

  void Return();

  char* bytes_ = nullptr;
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_WIRE_PACKET_BUFFER_H_

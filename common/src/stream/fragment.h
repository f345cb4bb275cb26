#ifndef UDSRPC_COMMON_STREAM_FRAGMENT_H_
#define UDSRPC_COMMON_STREAM_FRAGMENT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/src/wire/packet_queue.h"

namespace udsrpc {

// A packet of one MESSAGE frame whose last `body_bytes` are to be filled with message bytes.
struct Fragment {
  wire::PacketQueue::Packet packet;
  size_t body_bytes;

  char* body() { return packet.data() + packet.bytes().size() - body_bytes; }
};

// The fragment behind the first `begun` bytes of a message of `size`, as long as `credit` allows: exactly so many bytes
// all told, and at most those that are left. At least wire::kMinFragmentBytes of credit, or enough for the rest.
Fragment MakeFragment(uint32_t call, size_t size, size_t begun, bool half_close, size_t credit);

// What a MESSAGE frame for the rest of a message would cost.
size_t FragmentCost(size_t size, size_t begun);

// A message on its way in fragments, serialized beforehand: for a sender that does not block for credit. Pure.
class LongMessage {
 public:
  LongMessage(uint32_t call, std::string message, bool half_close)
      : call_(call), message_(std::move(message)), half_close_(half_close) {}

  bool done() const { return begun_ > 0 && begun_ == message_.size(); }
  // What is left would cost so much credit.
  size_t wanted() const { return FragmentCost(message_.size(), begun_); }
  // The next fragment, which costs all of `credit`; at most wanted().
  wire::PacketQueue::Packet Next(size_t credit);

 private:
  const uint32_t call_;
  const std::string message_;
  const bool half_close_;
  size_t begun_ = 0;
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_STREAM_FRAGMENT_H_

#ifndef UDSRPC_COMMON_STREAM_FRAGMENT_H_
#define UDSRPC_COMMON_STREAM_FRAGMENT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "common/src/wire/packet_queue.h"
#include "udsrpc/internal/call_fds.h"

namespace udsrpc {

// A packet of one MESSAGE frame whose last `body_bytes` are to be filled with message bytes.
struct Fragment {
  wire::PacketQueue::Packet packet;
  size_t body_bytes;

  char* body() { return packet.data() + packet.bytes().size() - body_bytes; }
};

// The fragment behind the first `begun` bytes of a message of `size`, as long as `credit` allows: exactly so many bytes
// all told, and at most those that are left. At least wire::kMinFragmentBytes of credit, or enough for the rest. The
// first fragment has the message's descriptors.
Fragment MakeFragment(uint32_t call, size_t size, size_t begun, bool half_close, size_t credit,
                      const internal::OutgoingFds& fds);

// What a MESSAGE frame for the rest of a message would cost.
size_t FragmentCost(size_t size, size_t begun, const internal::OutgoingFds& fds);

// A message on its way in fragments, serialized beforehand: for a sender that does not block for credit. Pure.
class LongMessage {
 public:
  LongMessage(uint32_t call, std::string message, bool half_close, internal::OutgoingFds fds)
      : call_(call), message_(std::move(message)), half_close_(half_close), fds_(std::move(fds)) {}

  bool done() const { return begun_ > 0 && begun_ == message_.size(); }
  // What is left would cost so much credit.
  size_t wanted() const { return FragmentCost(message_.size(), begun_, fds_); }
  // The next fragment, which costs all of `credit`; at most wanted().
  wire::PacketQueue::Packet Next(size_t credit);

 private:
  const uint32_t call_;
  const std::string message_;
  const bool half_close_;
  internal::OutgoingFds fds_;  // null once they are on their way
  size_t begun_ = 0;
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_STREAM_FRAGMENT_H_

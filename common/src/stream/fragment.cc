#include "common/src/stream/fragment.h"

#include <cstring>
#include <optional>

#include "common/src/wire/stream_frame.h"

namespace udsrpc {

size_t FragmentCost(size_t size, size_t begun, const internal::OutgoingFds& fds) {
  return wire::FrameHeader::kBytes + (begun == 0 && fds != nullptr ? sizeof(uint16_t) : 0) + size - begun;
}

Fragment MakeFragment(uint32_t call, size_t size, size_t begun, bool half_close, size_t credit,
                      const internal::OutgoingFds& fds) {
  const bool with_fds = begun == 0 && fds != nullptr;
  wire::MessageFrame frame{.call = call};
  if (with_fds) frame.fds = static_cast<uint16_t>(fds->size());
  size_t body = size - begun;
  if (credit == FragmentCost(size, begun, fds)) {
    frame.half_close = half_close;
  } else {
    frame.more = true;
    if (begun == 0) frame.total = size;
    body = credit - wire::FrameHeader::kBytes - frame.HeadSize();
  }
  const size_t head = wire::FrameHeader::kBytes + frame.HeadSize();
  wire::PacketQueue::Packet packet(head + body);
  frame.Header(body).Serialize(packet.data());
  frame.SerializeHead(packet.data() + wire::FrameHeader::kBytes);
  if (with_fds) packet.Attach(fds, head);
  return Fragment{.packet = std::move(packet), .body_bytes = body};
}

wire::PacketQueue::Packet LongMessage::Next(size_t credit) {
  Fragment fragment = MakeFragment(call_, message_.size(), begun_, half_close_, credit, fds_);
  fds_ = nullptr;
  std::memcpy(fragment.body(), message_.data() + begun_, fragment.body_bytes);
  begun_ += fragment.body_bytes;
  return std::move(fragment.packet);
}

}  // namespace udsrpc

#include "common/src/stream/fragment.h"

#include <cstring>

#include "common/src/wire/stream_frame.h"

namespace udsrpc {

size_t FragmentCost(size_t size, size_t begun) { return wire::FrameHeader::kBytes + size - begun; }

Fragment MakeFragment(uint32_t call, size_t size, size_t begun, bool half_close, size_t credit) {
  wire::MessageFrame frame{.call = call};
  size_t body = size - begun;
  if (credit == FragmentCost(size, begun)) {
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
  return Fragment{.packet = std::move(packet), .body_bytes = body};
}

wire::PacketQueue::Packet LongMessage::Next(size_t credit) {
  Fragment fragment = MakeFragment(call_, message_.size(), begun_, half_close_, credit);
  std::memcpy(fragment.body(), message_.data() + begun_, fragment.body_bytes);
  begun_ += fragment.body_bytes;
  return std::move(fragment.packet);
}

}  // namespace udsrpc

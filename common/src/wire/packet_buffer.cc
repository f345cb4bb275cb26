#include "common/src/wire/packet_buffer.h"

#include <new>

#include "common/src/wire/block.h"

namespace udsrpc {

PacketBuffer PacketBuffer::Make() {
  size_t capacity;
  Block block = MakeBlock(wire::kMaxPacketBytes + sizeof(References), &capacity);
  PacketBuffer buffer;
  buffer.bytes_ = block.release();
  new (buffer.bytes_ + wire::kMaxPacketBytes) References(1);
  return buffer;
}

void PacketBuffer::Return() {
  references().~References();
  const Block back(bytes_, BlockDelete{.pooled = true});
}

}  // namespace udsrpc

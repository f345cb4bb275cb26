#ifndef UDSRPC_COMMON_STREAM_BYTE_QUEUE_H_
#define UDSRPC_COMMON_STREAM_BYTE_QUEUE_H_

#include <cstddef>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/src/wire/block.h"
#include "common/src/wire/packet_buffer.h"

namespace udsrpc {

// Bytes in the order in which they came, in blocks that never move. An empty one has no memory. Not thread-safe.
class ByteQueue {
 public:
  ByteQueue() = default;
  ByteQueue(ByteQueue&&) = default;
  ByteQueue& operator=(ByteQueue&&) = default;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  void Append(absl::string_view bytes);
  // The same of what is in `packet`: where it is long it stays there, and the packet is kept.
  void Append(absl::string_view bytes, const PacketBuffer& packet);

  // The first run of bytes; not when empty(). Valid until it is popped.
  absl::string_view Front() const;
  // At most Front().size().
  void Pop(size_t bytes);
  // Copies the first `bytes`, at most size().
  void Peek(char* out, size_t bytes) const;
  // The same, and pops them.
  void PopTo(char* out, size_t bytes);

  // Takes all that `from` has behind what is here.
  void Splice(ByteQueue& from);
  void Clear();

 private:
  // In a block of its own, which has room up to `capacity`, or in a packet.
  struct Run {
    char* data;
    size_t begin;
    size_t end;
    size_t capacity;
    Block block;
    PacketBuffer packet;
  };

  std::vector<Run> runs_;
  size_t first_ = 0;  // those before it have been popped
  size_t size_ = 0;
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_STREAM_BYTE_QUEUE_H_

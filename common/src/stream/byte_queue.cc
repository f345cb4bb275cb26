#include "common/src/stream/byte_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace udsrpc {
namespace {

// Blocks double from the first size, for a stream of few small messages, to the last.
constexpr size_t kFirstBlockBytes = 256;
constexpr size_t kLastBlockBytes = 16384;

}  // namespace

void ByteQueue::Append(absl::string_view bytes) {
  if (bytes.empty()) return;
  if (blocks_.empty() || blocks_.back().capacity - blocks_.back().end < bytes.size()) {
    const size_t usual = blocks_.empty() ? kFirstBlockBytes : std::min(2 * blocks_.back().capacity, kLastBlockBytes);
    const size_t capacity = std::max(usual, bytes.size());
    blocks_.push_back(
        Block{.data = std::unique_ptr<char[]>(new char[capacity]), .begin = 0, .end = 0, .capacity = capacity});
  }
  Block& block = blocks_.back();
  std::memcpy(block.data.get() + block.end, bytes.data(), bytes.size());
  block.end += bytes.size();
  size_ += bytes.size();
}

absl::string_view ByteQueue::Front() const {
  const Block& block = blocks_[first_];
  return {block.data.get() + block.begin, block.end - block.begin};
}

void ByteQueue::Pop(size_t bytes) {
  if (bytes == 0) return;
  Block& block = blocks_[first_];
  block.begin += bytes;
  size_ -= bytes;
  if (block.begin < block.end) return;
  if (size_ == 0) return Clear();
  block.data.reset();
  ++first_;
}

void ByteQueue::Peek(char* out, size_t bytes) const {
  for (size_t i = first_; bytes > 0; ++i) {
    const Block& block = blocks_[i];
    const size_t run = std::min(bytes, block.end - block.begin);
    std::memcpy(out, block.data.get() + block.begin, run);
    out += run;
    bytes -= run;
  }
}

void ByteQueue::PopTo(char* out, size_t bytes) {
  Peek(out, bytes);
  while (bytes > 0) {
    const size_t run = std::min(bytes, Front().size());
    Pop(run);
    bytes -= run;
  }
}

void ByteQueue::Splice(ByteQueue& from) {
  if (empty()) {
    std::swap(*this, from);
  } else {
    for (size_t i = from.first_; i < from.blocks_.size(); ++i) blocks_.push_back(std::move(from.blocks_[i]));
    size_ += from.size_;
  }
  from.Clear();
}

void ByteQueue::Clear() {
  blocks_.clear();
  first_ = 0;
  size_ = 0;
}

}  // namespace udsrpc

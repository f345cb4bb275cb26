#include "common/src/stream/byte_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace udsrpc {
namespace {

// Blocks double from the first size, for a stream of few small messages, to the last.
constexpr size_t kFirstBlockBytes = 256;
constexpr size_t kLastBlockBytes = 16384;

// From here on bytes stay in their packet: it keeps at most twice as much memory as is needed.
constexpr size_t kLongBytes = wire::kMaxPacketBytes / 2;

}  // namespace

void ByteQueue::Append(absl::string_view bytes) {
  if (bytes.empty()) return;
  if (runs_.empty() || runs_.back().capacity - runs_.back().end < bytes.size()) {
    const bool grows = !runs_.empty() && !runs_.back().packet;
    const size_t usual = grows ? std::min(2 * runs_.back().capacity, kLastBlockBytes) : kFirstBlockBytes;
    size_t capacity;
    Block block = MakeBlock(std::max(usual, bytes.size()), &capacity);
    char* const data = block.get();
    runs_.push_back(
        Run{.data = data, .begin = 0, .end = 0, .capacity = capacity, .block = std::move(block), .packet = {}});
  }
  Run& run = runs_.back();
  std::memcpy(run.data + run.end, bytes.data(), bytes.size());
  run.end += bytes.size();
  size_ += bytes.size();
}

void ByteQueue::Append(absl::string_view bytes, const PacketBuffer& packet) {
  if (!packet || bytes.size() < kLongBytes) return Append(bytes);
  const auto begin = static_cast<size_t>(bytes.data() - packet.data());
  const size_t end = begin + bytes.size();
  runs_.push_back(
      Run{.data = packet.data(), .begin = begin, .end = end, .capacity = end, .block = nullptr, .packet = packet});
  size_ += bytes.size();
}

absl::string_view ByteQueue::Front() const {
  const Run& run = runs_[first_];
  return {run.data + run.begin, run.end - run.begin};
}

void ByteQueue::Pop(size_t bytes) {
  if (bytes == 0) return;
  Run& run = runs_[first_];
  run.begin += bytes;
  size_ -= bytes;
  if (run.begin < run.end) return;
  if (size_ == 0) return Clear();
  run.block.reset();
  run.packet = {};
  ++first_;
}

void ByteQueue::Peek(char* out, size_t bytes) const {
  for (size_t i = first_; bytes > 0; ++i) {
    const Run& run = runs_[i];
    const size_t count = std::min(bytes, run.end - run.begin);
    std::memcpy(out, run.data + run.begin, count);
    out += count;
    bytes -= count;
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
    for (size_t i = from.first_; i < from.runs_.size(); ++i) runs_.push_back(std::move(from.runs_[i]));
    size_ += from.size_;
  }
  from.Clear();
}

void ByteQueue::Clear() {
  runs_.clear();
  first_ = 0;
  size_ = 0;
}

}  // namespace udsrpc

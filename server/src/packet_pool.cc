#include "server/src/packet_pool.h"

#include <utility>

namespace udsrpc {
namespace {

// As many as a turn of the loop reads at most; one buffer is in use as a rule.
constexpr size_t kMaxFreeBuffers = 64;

}  // namespace

PacketPool::Buffer PacketPool::Get() {
  std::unique_ptr<Block> block;
  {
    internal::MutexLock lock(free_->mutex);
    if (!free_->blocks.empty()) {
      block = std::move(free_->blocks.back());
      free_->blocks.pop_back();
    }
  }
  if (block == nullptr) block.reset(new Block);  // the bytes stay uninitialized
  block->references.store(1, std::memory_order_relaxed);
  block->home = free_;
  return Buffer(block.release());
}

void PacketPool::Buffer::Return() {
  std::unique_ptr<Block> block(block_);
  const std::shared_ptr<FreeList> home = std::move(block->home);
  internal::MutexLock lock(home->mutex);
  if (home->blocks.size() < kMaxFreeBuffers) home->blocks.push_back(std::move(block));
}

}  // namespace udsrpc

#ifndef UDSRPC_SERVER_PACKET_POOL_H_
#define UDSRPC_SERVER_PACKET_POOL_H_

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "common/src/wire/limits.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// Buffers of kMaxPacketBytes for received packets. Calls keep the packet that they came in until their requests are
// parsed; then the buffer returns here. Connections keep none, which is what makes idle ones cheap. Thread-safe.
class PacketPool {
 public:
  class Buffer;

  PacketPool() : free_(std::make_shared<FreeList>()) {}

  // Uninitialized. May outlive the pool.
  Buffer Get();

 private:
  struct FreeList;
  struct Block;

  const std::shared_ptr<FreeList> free_;
};

struct PacketPool::FreeList {
  internal::Mutex mutex;
  std::vector<std::unique_ptr<Block>> blocks ABSL_GUARDED_BY(mutex);
};

struct PacketPool::Block {
  std::atomic<int> references{1};
  std::shared_ptr<FreeList> home;  // while it is in use
  char bytes[wire::kMaxPacketBytes];
};

// One reference of several to a buffer, or to none. A reference is used by one thread at a time.
class PacketPool::Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer& other) : block_(other.block_) {
    if (block_ != nullptr) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  Buffer(Buffer&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Buffer& operator=(Buffer other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Buffer() {
    if (block_ != nullptr && block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) Return();
  }

  explicit operator bool() const { return block_ != nullptr; }
  char* data() const { return block_->bytes; }
  // Whether nobody else refers to it any more, nor reads it.
  bool unshared() const { return block_->references.load(std::memory_order_acquire) == 1; }

 private:
  friend class PacketPool;
  explicit Buffer(Block* block) : block_(block) {}

  void Return();

  Block* block_ = nullptr;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_PACKET_POOL_H_

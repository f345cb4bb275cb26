#include "common/src/wire/block.h"

#include <vector>

#include "absl/base/thread_annotations.h"
#include "common/src/fork.h"
#include "common/src/wire/limits.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {
namespace {

// From here on blocks are as large as a packet, so that one fits where another was, and a little more, for who counts
// what refers to it.
constexpr size_t kLargeBytes = 16 << 10;
constexpr size_t kPooledBytes = wire::kMaxPacketBytes + 64;

class BlockPool {
 public:
  BlockPool() { HoldAcrossForks(mutex_); }

  char* Get() {
    {
      internal::MutexLock lock(mutex_);
      if (!free_.empty()) {
        std::unique_ptr<char[]> block = std::move(free_.back());
        free_.pop_back();
        return block.release();
      }
    }
    return new char[kPooledBytes];
  }

  void Put(std::unique_ptr<char[]> block) {
    internal::MutexLock lock(mutex_);
    if (free_.size() < kMaxFree) free_.push_back(std::move(block));
  }

  size_t KeptBytes() {
    internal::MutexLock lock(mutex_);
    return free_.size() * kPooledBytes;
  }

 private:
  // The fragments of a long message on its way through a process.
  static constexpr size_t kMaxFree = 32;

  internal::Mutex mutex_;
  std::vector<std::unique_ptr<char[]>> free_ ABSL_GUARDED_BY(mutex_);
};

// Never destroyed: blocks of static objects come back late.
BlockPool& Pool() {
  static BlockPool& pool = *new BlockPool;
  return pool;
}

}  // namespace

void BlockDelete::operator()(char* bytes) const {
  std::unique_ptr<char[]> block(bytes);
  if (pooled) Pool().Put(std::move(block));
}

size_t KeptBlockBytes() { return Pool().KeptBytes(); }

Block MakeBlock(size_t bytes, size_t* capacity) {
  const bool pooled = bytes > kLargeBytes && bytes <= kPooledBytes;
  *capacity = pooled ? kPooledBytes : bytes;
  return Block(pooled ? Pool().Get() : new char[bytes], BlockDelete{.pooled = pooled});
}

}  // namespace udsrpc

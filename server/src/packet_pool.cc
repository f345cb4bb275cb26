#include "server/src/packet_pool.h"

#include <utility>

#include "common/src/wire/limits.h"

namespace udsrpc {
namespace {

// As many as a turn of the loop reads at most; one buffer is in use as a rule.
constexpr size_t kMaxFreeBuffers = 64;

}  // namespace

std::shared_ptr<char[]> PacketPool::Get() {
  std::unique_ptr<char[]> buffer;
  {
    internal::MutexLock lock(free_->mutex);
    if (!free_->buffers.empty()) {
      buffer = std::move(free_->buffers.back());
      free_->buffers.pop_back();
    }
  }
  if (buffer == nullptr) buffer.reset(new char[wire::kMaxPacketBytes]);
  return std::shared_ptr<char[]>(buffer.release(), [free = free_](char* returned) {
    std::unique_ptr<char[]> owned(returned);
    internal::MutexLock lock(free->mutex);
    if (free->buffers.size() < kMaxFreeBuffers) free->buffers.push_back(std::move(owned));
  });
}

}  // namespace udsrpc

#ifndef UDSRPC_SERVER_PACKET_POOL_H_
#define UDSRPC_SERVER_PACKET_POOL_H_

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// Buffers of kMaxPacketBytes for received packets. Calls keep the packet that they came in until their requests are
// parsed; then the buffer returns here. Connections keep none, which is what makes idle ones cheap. Thread-safe.
class PacketPool {
 public:
  PacketPool() : free_(std::make_shared<FreeList>()) {}

  // Uninitialized. May outlive the pool.
  std::shared_ptr<char[]> Get();

 private:
  struct FreeList {
    internal::Mutex mutex;
    std::vector<std::unique_ptr<char[]>> buffers ABSL_GUARDED_BY(mutex);
  };

  const std::shared_ptr<FreeList> free_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_PACKET_POOL_H_

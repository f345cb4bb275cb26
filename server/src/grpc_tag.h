#ifndef UDSRPC_SERVER_GRPC_TAG_H_
#define UDSRPC_SERVER_GRPC_TAG_H_

#include "server/src/grpc_poller_pool.h"
#include "udsrpc/internal/tsan.h"

namespace udsrpc {

// What the library's queue returns of an operation that has ended.
class GrpcTag {
 public:
  GrpcTag() = default;
  GrpcTag(const GrpcTag&) = delete;
  GrpcTag& operator=(const GrpcTag&) = delete;

  // ThreadSanitizer does not see into the library. These stand for what its queue promises: the thread that takes an
  // operation's tag from it sees all that was done before the operation was started with that tag.
  void* Release() {
    internal::TsanRelease(this);
    return this;
  }
  static GrpcTag& Acquire(void* tag) {
    internal::TsanAcquire(tag);
    return *static_cast<GrpcTag*>(tag);
  }

  // Goes on with the call. Returns it where its handler is to run, or null. May delete it, and this.
  virtual GrpcPollerPool::Handler* Proceed(bool ok) = 0;

 protected:
  ~GrpcTag() = default;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_GRPC_TAG_H_

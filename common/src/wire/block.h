#ifndef UDSRPC_COMMON_WIRE_BLOCK_H_
#define UDSRPC_COMMON_WIRE_BLOCK_H_

#include <cstddef>
#include <memory>

namespace udsrpc {

// Where a block's bytes go when it is destroyed: a large one to the next that asks, as the C library would give them
// back to the kernel, and to get them again costs more than to fill them.
struct BlockDelete {
  void operator()(char* bytes) const;

  bool pooled = false;
};

// Bytes of a packet or of what has come, uninitialized.
using Block = std::unique_ptr<char[], BlockDelete>;

// Of `bytes` at least, and in `*capacity` how many. A process keeps at most 2 MiB of blocks that nobody uses.
// Thread-safe.
Block MakeBlock(size_t bytes, size_t* capacity);

// How much it keeps of such now.
size_t KeptBlockBytes();

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_WIRE_BLOCK_H_

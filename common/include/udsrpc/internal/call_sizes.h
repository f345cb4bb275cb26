#ifndef UDSRPC_INTERNAL_CALL_SIZES_H_
#define UDSRPC_INTERNAL_CALL_SIZES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace udsrpc::internal {

// The messages of one call that its handler, or its caller, has read and written, and the bytes of their encodings. One
// thread at a time counts what is received, and one what is sent; anybody may look.
class CallSizes {
 public:
  void OnReceived(size_t bytes) { received_.Add(bytes); }
  void OnSent(size_t bytes) { sent_.Add(bytes); }
  // The call is made again.
  void Clear() {
    received_.Clear();
    sent_.Clear();
  }

  uint64_t received_messages() const { return received_.messages.load(std::memory_order_relaxed); }
  uint64_t received_bytes() const { return received_.bytes.load(std::memory_order_relaxed); }
  uint64_t sent_messages() const { return sent_.messages.load(std::memory_order_relaxed); }
  uint64_t sent_bytes() const { return sent_.bytes.load(std::memory_order_relaxed); }

 private:
  struct Direction {
    void Add(size_t more) {
      messages.store(messages.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      bytes.store(bytes.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
    }
    void Clear() {
      messages.store(0, std::memory_order_relaxed);
      bytes.store(0, std::memory_order_relaxed);
    }
    std::atomic<uint64_t> messages{0};
    std::atomic<uint64_t> bytes{0};
  };
  Direction received_;
  Direction sent_;
};

}  // namespace udsrpc::internal

#endif  // UDSRPC_INTERNAL_CALL_SIZES_H_

#ifndef UDSRPC_COMMON_STREAM_CREDIT_H_
#define UDSRPC_COMMON_STREAM_CREDIT_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"

// Flow control of MESSAGE frames (docs/PROTOCOL.md, "Credit"), pure and not thread-safe. A frame costs as many bytes as
// it has, header included, so that empty messages cost something, too.

namespace udsrpc {

// What this side may still send.
class SendCredit {
 public:
  explicit SendCredit(uint32_t initial) : available_(initial) {}

  size_t available() const { return available_; }
  // At most available().
  void Use(size_t bytes) { available_ -= bytes; }
  // So much was not sent after all.
  void Return(size_t bytes) { available_ += bytes; }
  // The peer gave credit. INVALID_ARGUMENT: more at once than the protocol allows.
  absl::Status Add(uint32_t bytes);

 private:
  size_t available_;
};

// What the peer may still send, and what it is to be given back.
class ReceiveCredit {
 public:
  explicit ReceiveCredit(uint32_t initial) : window_(initial), available_(initial) {}

  // A frame came. INVALID_ARGUMENT: the peer had no credit for it.
  absl::Status Use(size_t bytes);
  // So much of what came is no longer kept.
  void Release(size_t bytes) { released_ += bytes; }
  // Lets the peer send so much ahead of what has been released. Does nothing where it already may send more.
  void Widen(uint32_t window);
  // What to give the peer now: 0 until it is worth a frame, which is half of the window.
  uint32_t Grant();

 private:
  size_t window_;
  size_t available_;
  size_t released_ = 0;
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_STREAM_CREDIT_H_

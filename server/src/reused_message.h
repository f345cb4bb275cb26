#ifndef UDSRPC_SERVER_REUSED_MESSAGE_H_
#define UDSRPC_SERVER_REUSED_MESSAGE_H_

#include <cstddef>
#include <memory>

#include "google/protobuf/message_lite.h"

namespace udsrpc {

// A message that is used for one call after the other and keeps its memory in between, so that calls of one kind
// allocate none. What they keep is bounded for the whole process. For one thread at a time.
class ReusedMessage {
 public:
  ReusedMessage() = default;
  ~ReusedMessage();
  ReusedMessage(const ReusedMessage&) = delete;
  ReusedMessage& operator=(const ReusedMessage&) = delete;

  // An empty one of the type of `prototype`, until Release.
  google::protobuf::MessageLite& Get(const google::protobuf::MessageLite& prototype);
  // It is not used any more.
  void Release();

  // What a process's messages keep, in bytes, beside those whose encoding was never over 256 bytes. To ask a message
  // for its memory takes as long as to fill it, so that is done when one is larger than those before it, and every 64
  // calls.
  static constexpr size_t kMaxKeptBytes = 4 << 20;
  static size_t KeptBytes();

 private:
  // Not worth counting: what threads share costs the more, the more of them there are.
  static constexpr size_t kSmallBytes = 256;

  void Forget();
  size_t SpaceUsed() const;
  void Count(size_t space);

  std::unique_ptr<google::protobuf::MessageLite> message_;
  const google::protobuf::MessageLite* prototype_ = nullptr;
  size_t counted_ = 0;            // for the process
  size_t largest_ = kSmallBytes;  // encoding so far
  unsigned uses_ = 0;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_REUSED_MESSAGE_H_

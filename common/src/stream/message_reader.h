#ifndef UDSRPC_COMMON_STREAM_MESSAGE_READER_H_
#define UDSRPC_COMMON_STREAM_MESSAGE_READER_H_

#include <cstddef>

#include "absl/functional/function_ref.h"
#include "common/src/stream/byte_queue.h"
#include "google/protobuf/message_lite.h"

namespace udsrpc {

// The consumer's end of InboundMessages. Takes what has come in one go, so that it needs the connection's mutex once
// for many messages, and parses a long message while the rest of it is still coming. Used by one thread at a time.
class MessageReader {
 public:
  // Blocks until InboundMessages::Take gave something. False: nothing will come any more.
  using Fetch = absl::FunctionRef<bool(ByteQueue& into)>;

  enum class Outcome {
    kMessage,
    kEnd,        // no further message, or not all of it
    kMalformed,  // its bytes do not parse; the messages behind it are still there
  };

  Outcome Read(google::protobuf::MessageLite& message, Fetch fetch);
  // Whether the message that was read last has descriptors, for InboundMessages::TakeFds to give.
  bool has_fds() const { return has_fds_; }
  // And how long its encoding is.
  size_t message_bytes() const { return message_bytes_; }

  // For a consumer that does not block: where to put what has come, and whether that is a whole message at least.
  ByteQueue& bytes() { return bytes_; }
  bool HasWhole() const;

  // Forgets what was fetched and not read.
  void Clear() { bytes_.Clear(); }

 private:
  ByteQueue bytes_;
  bool has_fds_ = false;
  size_t message_bytes_ = 0;
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_STREAM_MESSAGE_READER_H_

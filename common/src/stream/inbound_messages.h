#ifndef UDSRPC_COMMON_STREAM_INBOUND_MESSAGES_H_
#define UDSRPC_COMMON_STREAM_INBOUND_MESSAGES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "absl/status/status.h"
#include "common/src/stream/byte_queue.h"
#include "common/src/stream/credit.h"
#include "common/src/stream/fd_receiver.h"
#include "common/src/wire/packet_buffer.h"
#include "common/src/wire/stream_frame.h"
#include "udsrpc/internal/call_fds.h"

namespace udsrpc {

// The messages of one call that have come and that nobody has taken yet: the receiving half of a stream. Pure; guarded
// by its connection's mutex.
class InboundMessages {
 public:
  explicit InboundMessages(size_t max_message_bytes);

  // A frame came, `frame_bytes` of it all told. INVALID_ARGUMENT: the peer broke the protocol, and the connection is to
  // end. A message over the limit, known from its first frame, is not kept, nor is what comes behind it: see exhausted.
  // `packet`: what the frame is a view of, which may be kept for it; none, and it is copied. `fds`, or null: the
  // message's, which are taken. Where those were lost it is treated as if it were over the limit.
  absl::Status OnMessage(const wire::MessageFrame& frame, size_t frame_bytes, const PacketBuffer& packet = {},
                         MessageFds* fds = nullptr);

  // A message came whole with the frame that opens or ends its call, which costs no credit.
  void OnInlineMessage(absl::string_view message, const PacketBuffer& packet = {}, MessageFds* fds = nullptr);

  // In the size of a message: it has descriptors.
  static constexpr uint64_t kHasFds = uint64_t{1} << 63;
  // Moves what has come to the end of `into`, as MessageReader reads it: for each message its size in 8 bytes, with or
  // without kHasFds, then its bytes, of the last message as far as they have come. False where nothing has.
  bool Take(ByteQueue& into);
  // The descriptors of the first message that has some and whose have not been taken. None once it discards.
  internal::IncomingFds TakeFds();
  // OK, or RESOURCE_EXHAUSTED: whoever comes to the end of what was kept finds a message over the limit there, or one
  // that has lost its descriptors, or what was given to Exhaust, and the call is to end.
  const absl::Status& exhausted() const { return exhausted_; }
  // Of these, whether it was the limit of a message's size.
  bool oversized() const { return oversized_; }
  // There is no room to keep what has come. As Discard.
  void Exhaust(absl::Status status);

  // Gives credit for the message that has begun as it comes, although nobody takes it: for one that is wanted whole.
  void ReleaseAtOnce();
  // From now on drops what comes, and what has come, and gives credit for it.
  void Discard();

  // Credit that the peer is to be given, or 0.
  uint32_t Grant() { return credit_.Grant(); }

  // Whether something has come that was not taken.
  bool empty() const { return bytes_.empty(); }
  size_t bytes() const { return bytes_.size(); }
  // Whether a message is wholly there, taken or not.
  bool HasWholeMessage() const { return whole_messages_ > 0; }
  // Whether a message has begun that is longer than the credit for it.
  bool InLongMessage() const { return in_message_ && long_; }
  // The same, of one that is kept.
  bool KeepsLongMessage() const { return InLongMessage() && !discarding_; }
  // Whether the last message that came has ended.
  bool AtMessageEnd() const { return missing_ == 0 && !in_message_; }

 private:
  void ReleaseKept();
  void Begin(uint64_t total, MessageFds* fds);
  void Keep(absl::string_view bytes, const PacketBuffer& packet);

  const size_t max_message_bytes_;
  ReceiveCredit credit_;
  ByteQueue bytes_;
  size_t unreleased_ = 0;  // credit that was spent on what is in bytes_
  uint64_t missing_ = 0;   // of the message that has begun
  bool in_message_ = false;
  bool long_ = false;
  bool releasing_ = false;   // credit is given back as frames come
  bool discarding_ = false;  // frames are not kept, nor is what they hold
  bool oversized_ = false;
  absl::Status exhausted_;
  uint64_t whole_messages_ = 0;
  std::unique_ptr<std::deque<internal::IncomingFds>> fds_;  // of the messages that have some; null before the first
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_STREAM_INBOUND_MESSAGES_H_

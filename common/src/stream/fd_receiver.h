#ifndef UDSRPC_COMMON_STREAM_FD_RECEIVER_H_
#define UDSRPC_COMMON_STREAM_FD_RECEIVER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "common/src/wire/packet_fds.h"
#include "udsrpc/internal/call_fds.h"
#include "udsrpc/internal/fd_count.h"

// The descriptors that come with a connection's packets (docs/PROTOCOL.md, "Descriptors"): to which frames they belong,
// and how many may wait for somebody to take them.

namespace udsrpc {

// Those of one message.
struct MessageFds {
  internal::IncomingFds fds;
  // RESOURCE_EXHAUSTED: it had some, and they could not be sent or received, or there were too many already; its call
  // is to end.
  absl::Status lost;
};

// The receiving half of a connection that accepts descriptors. Used by the thread that reads.
class FdReceiver {
 public:
  // Null where `max_a_message` is 0: then the connection takes none. `max_untaken` is the bound for all of the
  // connection; `of_user`, where it is not null, has that of its user.
  static std::unique_ptr<FdReceiver> Make(size_t max_a_message, size_t max_untaken,
                                          std::shared_ptr<internal::FdCount> of_user = nullptr);
  // What to announce in HELLO for such.
  static uint16_t Announced(size_t max_a_message);

  // Where to receive those of a packet; what is left of the last one's is closed then.
  PacketFds& packet();
  // A frame says that `count` of the packet's are its message's. INVALID_ARGUMENT: the peer broke the protocol.
  absl::Status Claim(uint16_t count, MessageFds& fds);
  // All frames of the packet have been read. INVALID_ARGUMENT: it had more than they claim.
  absl::Status EndPacket();

 private:
  FdReceiver(size_t max_a_message, size_t max_untaken, std::shared_ptr<internal::FdCount> of_user)
      : max_a_message_(max_a_message),
        max_untaken_(max_untaken),
        untaken_(std::make_shared<internal::FdCount>(max_untaken, std::move(of_user))) {}

  const size_t max_a_message_;
  const size_t max_untaken_;
  const std::shared_ptr<internal::FdCount> untaken_;
  PacketFds packet_;
  size_t claimed_ = 0;  // of the packet's
};

// What a frame says of descriptors, if anything, for a connection that accepts some or, with null, none.
// INVALID_ARGUMENT: the peer broke the protocol.
absl::Status ClaimFds(FdReceiver* receiver, const std::optional<uint16_t>& count, MessageFds& fds);

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_STREAM_FD_RECEIVER_H_

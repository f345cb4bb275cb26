#ifndef UDSRPC_SERVER_TAKEOVER_CHANNEL_H_
#define UDSRPC_SERVER_TAKEOVER_CHANNEL_H_

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "udsrpc/proto/takeover.pb.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

// One end of the connection on which a server hands its sockets to its successor: messages, some with a descriptor, and
// nothing that the other end does makes it wait for longer than it was told.
class TakeoverChannel {
 public:
  // Of the protocol that is spoken here.
  static constexpr uint32_t kVersion = 1;

  // Takes a connected, non-blocking seqpacket socket. A signal on `wake_event` ends all waiting.
  TakeoverChannel(UniqueFd socket, int wake_event) : socket_(std::move(socket)), wake_event_(wake_event) {}

  int fd() const { return socket_.get(); }

  // UNAVAILABLE: the other end is gone. DEADLINE_EXCEEDED: it has taken nothing before `deadline`. CANCELLED: this end
  // was woken.
  absl::Status Send(const internal::TakeoverMessage& message, absl::Time deadline, int descriptor = -1);

  // `*descriptor` is what came with it, if anything. As above; INVALID_ARGUMENT: it is no such message.
  absl::StatusOr<internal::TakeoverMessage> Receive(absl::Time deadline, UniqueFd* descriptor);

  // Tells the other end why not, as far as it takes that at once.
  void Refuse(const absl::Status& why);

 private:
  // DEADLINE_EXCEEDED, CANCELLED: as above.
  absl::Status AwaitSocket(bool writable, absl::Time deadline);

  UniqueFd socket_;
  int wake_event_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_TAKEOVER_CHANNEL_H_

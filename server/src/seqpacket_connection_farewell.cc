#include "common/src/deadline.h"
#include "common/src/socket/socket.h"
#include "server/src/seqpacket_connection.h"

// How a client moves to the server that has taken over from this one, without a call that is refused on the way.

namespace udsrpc {
namespace {

// A client that reads answers at once. One that has no call open may not read at all until its next call; it finds the
// connection closed then, before that call has left.
constexpr absl::Duration kAnswerPatience = absl::Seconds(1);

constexpr uint64_t kToken = 0x6661726577656c6c;  // any would do

}  // namespace

void SeqpacketServerConnection::Farewell() {
  const Session session(*this);
  if (closed_ || draining_ || bids_farewell_) return;
  // Who has no address to go to stays until the end.
  if (caller_->peer().endpoint().empty()) return;
  bids_farewell_ = true;
  AwaitFarewellAnswer();
  if (!greeted_) return;  // behind the HELLO, then
  QueueFarewell();
  SendQueued();
}

void SeqpacketServerConnection::QueueFarewell() {
  QueueGoaway(wire::GoawayReason::kShutdown, "another server serves at this address now");
  // A client answers it behind the calls that it opened before it knew.
  sender_.queue().AppendFrame(wire::PingFrame{.token = kToken});
}

void SeqpacketServerConnection::OnFarewellAnswered(uint64_t token) {
  if (token != kToken) return;
  draining_ = true;
  MayClose();
}

void SeqpacketServerConnection::AwaitFarewellAnswer() {
  farewell_timer_ = loop().AddTimer(Deadline::After(kAnswerPatience, Deadline::Clock::now()).at(),
                                    [self = Self()] { self->OnFarewellTimer(); });
}

void SeqpacketServerConnection::OnFarewellTimer() {
  const Session session(*this);
  if (closed_ || draining_) return;
  // What has come and was not read, as this process got no CPU, may open calls.
  if (!calls_.empty() || HasUnread(socket_.get())) return AwaitFarewellAnswer();
  draining_ = true;
  SendQueued();
}

}  // namespace udsrpc

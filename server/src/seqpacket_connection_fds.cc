#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/src/call_errors.h"
#include "common/src/stream/outgoing_fds.h"
#include "common/src/wire/limits.h"
#include "server/src/seqpacket_connection.h"

// Descriptors that handlers send, where the client has said in its HELLO that it accepts them, and those that have come
// for them.

namespace udsrpc {
namespace {

// Of a connection, whatever was begun while there was room.
constexpr size_t kMostQueuedFds = 2 * kMaxQueuedFds;

// As UserLimits::max_bytes promises: one packet of what is written, another of answers.
constexpr size_t kAlwaysQueuedBytes = 2 * wire::kMaxPacketBytes;

constexpr absl::string_view kClientOption = "ChannelOptions::max_receive_fds";

}  // namespace

absl::Status SeqpacketServerConnection::CheckAttached(const SeqpacketServerCall& call,
                                                      const std::vector<UniqueFd>& fds) const {
  if (!WritesOneResponse(call.server_method().kind())) return FdsOfStreamError(call.method(), "responses");
  return CheckOutgoingFds(call.method(), fds, client_max_fds_, "client", kClientOption);
}

bool SeqpacketServerConnection::CountQueued() {
  User& user = caller_->user();
  user.HoldFds(queued_fds_, sender_.queue().fds());
  over_limit_ = !user.HoldBytes(queued_, sender_.bytes());
  return !over_limit_ || sender_.bytes() <= kAlwaysQueuedBytes;
}

bool SeqpacketServerConnection::HoldsTooMuch() const { return sender_.bytes() > queued_.amount() + kAlwaysQueuedBytes; }

bool SeqpacketServerConnection::HasRoomForFds(size_t fds) {
  const size_t queued = sender_.queue().fds() + fds;
  return queued <= kMostQueuedFds && caller_->user().HoldFds(queued_fds_, queued);
}

absl::Status SeqpacketServerConnection::UntakenFdsError(absl::string_view method) {
  return absl::ResourceExhaustedError(absl::StrCat(
      method, ": too many descriptors wait for the client, or for its user, already; read the answers to other calls"));
}

bool SeqpacketServerConnection::MaySend(SeqpacketServerCall& call, const std::vector<UniqueFd>& fds) {
  if (!MayGoOn(call)) return false;
  const absl::Status status = CheckOutgoingFds(call.method(), fds, client_max_fds_, "client", kClientOption);
  if (status.ok()) return true;
  Abort(call, status);
  return false;
}

internal::IncomingFds SeqpacketServerConnection::TakeFds(SeqpacketServerCall& call) {
  const AsyncSession session(*this);
  internal::IncomingFds fds = call.flow().inbound.TakeFds();
  // They were dropped with what was to be kept no longer, see InboundMessages::Exhaust.
  if (fds.empty() && MayGoOn(call) && !call.flow().inbound.exhausted().ok()) AbortExhausted(call);
  return fds;
}

}  // namespace udsrpc

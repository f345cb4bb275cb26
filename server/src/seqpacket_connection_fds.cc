#include <utility>
#include <vector>

#include "common/src/call_errors.h"
#include "common/src/stream/outgoing_fds.h"
#include "server/src/seqpacket_connection.h"

// Descriptors that handlers send, where the client has said in its HELLO that it accepts them, and those that have come
// for them.

namespace udsrpc {
namespace {

constexpr absl::string_view kClientOption = "ChannelOptions::max_receive_fds";

}  // namespace

absl::Status SeqpacketServerConnection::CheckAttached(const SeqpacketServerCall& call,
                                                      const std::vector<UniqueFd>& fds) const {
  if (!WritesOneResponse(call.server_method().kind())) return FdsOfStreamError(call.method(), "responses");
  return CheckOutgoingFds(call.method(), fds, client_max_fds_, "client", kClientOption);
}

bool SeqpacketServerConnection::MaySend(SeqpacketServerCall& call, const std::vector<UniqueFd>& fds) {
  if (!MayGoOn(call)) return false;
  const absl::Status status = CheckOutgoingFds(call.method(), fds, client_max_fds_, "client", kClientOption);
  if (status.ok()) return true;
  Abort(call, status);
  return false;
}

internal::IncomingFds SeqpacketServerConnection::TakeFds(SeqpacketServerCall& call) {
  internal::MutexLock lock(mutex_);
  return call.flow().inbound.TakeFds();
}

}  // namespace udsrpc

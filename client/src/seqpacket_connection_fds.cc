#include <utility>
#include <vector>

#include "client/src/seqpacket_connection.h"
#include "common/src/call_errors.h"
#include "common/src/stream/outgoing_fds.h"

// Descriptors that calls send: nothing that has some is sent before the server has said, in its HELLO, that it accepts
// them.

namespace udsrpc {
namespace {

constexpr absl::string_view kServerOption = "ServerOptions::max_receive_fds";

}  // namespace

absl::Status SeqpacketConnection::CheckAttached(const SeqpacketCall& call, const std::vector<UniqueFd>& fds) const {
  if (!ReadsOneRequest(call.kind)) return FdsOfStreamError(call.path, "requests");
  return CheckOutgoingFds(call.path, fds, server_max_fds_, "server", kServerOption);
}

bool SeqpacketConnection::MaySend(SeqpacketCall& call, const std::vector<UniqueFd>& fds) {
  absl::Status status = CheckOutgoingFds(call.path, fds, server_max_fds_, "server", kServerOption);
  if (status.ok()) return true;
  EndLocked(call, std::move(status));
  WakeReader();  // it may be another thread of this call that reads
  return false;
}

void SeqpacketConnection::AskForHello() {
  // Those that wait are not among the calls, and another one that waits does not make the server any more alive.
  if (calls_.empty() && waiting_for_hello_ == 0 && told_at_hello_.empty()) keepalive_.Restart(Deadline::Clock::now());
}

bool SeqpacketConnection::AwaitHello(SeqpacketCall& call) {
  ++waiting_for_hello_;
  while (!greeted_ && CheckOpen(call)) WaitOnce(call);
  --waiting_for_hello_;
  return CheckOpen(call);
}

void SeqpacketConnection::EndWaitForHello() {
  if (waiting_for_hello_ > 0) WakeAll();
  for (SeqpacketCall* call : std::exchange(told_at_hello_, {})) {
    call->waits_for_hello = false;
    Tell(*call);
  }
}

void SeqpacketConnection::TellAtHello(SeqpacketCall& call) {
  AskForHello();
  if (!std::exchange(call.waits_for_hello, true)) told_at_hello_.push_back(&call);
  FlushSoon();
}

void SeqpacketConnection::LeaveWaitForHello(SeqpacketCall& call) {
  if (std::exchange(call.waits_for_hello, false)) std::erase(told_at_hello_, &call);
}

internal::IncomingFds SeqpacketConnection::TakeFds(SeqpacketCall& call) {
  internal::MutexLock lock(mutex_);
  return call.inbound.TakeFds();
}

}  // namespace udsrpc

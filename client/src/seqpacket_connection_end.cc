#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/src/seqpacket_connection.h"
#include "common/src/socket/socket.h"
#include "common/src/wire/limits.h"

// How calls end, and the connection with them. Every call ends once.

namespace udsrpc {

void SeqpacketConnection::Finish(SeqpacketCall& call, absl::Status status) {
  call.state = SeqpacketCall::State::kEnded;
  call.status = std::move(status);
  call.initial_metadata_known = true;
  send_credit_.Leave(&call);
  WakeNextWriter();
  LeaveWaitForHello(call);
  if (call.watched) EndWatch(call);
  Wake(call);
}

void SeqpacketConnection::EndLocked(SeqpacketCall& call, absl::Status status) {
  calls_.erase(call.id);
  call.ended_here.store(true, std::memory_order_relaxed);
  call.inbound.Discard();
  if (!lost_) {
    abandoned_.insert(call.id);
    const wire::CancelFrame cancel{.call = call.id, .code = static_cast<uint32_t>(status.code())};
    // Ahead of the call's messages where the server knows of the call.
    (IsSent(call) ? sender_.control() : sender_.queue()).AppendFrame(cancel);
  }
  Finish(call, std::move(status));
  if (!lost_) Flush();
}

void SeqpacketConnection::End(SeqpacketCall& call, absl::Status status) {
  const Session session(*this);
  if (call.state != SeqpacketCall::State::kOpen) return;
  EndLocked(call, std::move(status));
  WakeReader();  // it may be another thread of this call that reads
}

void SeqpacketConnection::BeginFinish(SeqpacketCall& call) {
  const Session session(*this);
  if (call.state != SeqpacketCall::State::kEnded || !call.cancelled || call.ended_here.load()) return;
  call.status = Expired(call);
  ActiveCall::TrailingMetadata(call.context).clear();
}

void SeqpacketConnection::Cancel(SeqpacketCall& call) {
  const Session session(*this);
  call.cancelled = true;
  CheckOpen(call);
  Wake(call);
  WakeReader();
}

void SeqpacketConnection::Reject(absl::string_view error) {
  if (lost_) return;
  sender_.queue().AppendFrame(wire::GoawayFrame{.reason = static_cast<uint32_t>(wire::GoawayReason::kProtocolError)},
                              error.substr(0, wire::kMaxReasonBytes));
  Flush();
  Lose(absl::StrCat("the server broke the protocol: ", error));
  ShutdownSocket(socket_.get());  // streams may keep it open for long
}

void SeqpacketConnection::Lose(absl::string_view why) {
  if (lost_) return;
  lost_ = true;
  going_away_ = true;
  if (goodbye_.empty()) goodbye_ = std::string(why);
  EndOpening();
  FinishLost();
}

void SeqpacketConnection::EndOpening() {
  WakeAll();
  WakeReader();  // which may be one of them
  while (!opening_.empty()) MayOpenNext();
  EndWaitForHello();
}

void SeqpacketConnection::FinishLost() {
  abandoned_.clear();
  const uint64_t taken = sender_.queue().bytes_taken();
  std::vector<SeqpacketCall*> finished;
  for (const auto& [id, call] : calls_) {
    // Whether a packet that is being sent this moment can reach the server, its sender learns; it finishes those calls.
    const bool in_flight = call->end_in_queue <= taken && call->end_in_queue > taken - sender_.bytes_in_flight();
    if (!in_flight) finished.push_back(call);
  }
  for (SeqpacketCall* call : finished) {
    calls_.erase(call->id);
    call->unserved = !IsSent(*call);
    Finish(*call, absl::UnavailableError(absl::StrCat(name_, ": the connection was lost: ", goodbye_)));
  }
  sender_.Clear();
}

bool SeqpacketConnection::IsSent(const SeqpacketCall& call) const {
  return call.end_in_queue <= sender_.queue().bytes_taken();
}

void SeqpacketConnection::FailUnsent(absl::string_view why) {
  going_away_ = true;
  if (goodbye_.empty()) goodbye_ = std::string(why);
  EndOpening();
  std::vector<SeqpacketCall*> unsent;
  for (const auto& [id, call] : calls_) {
    if (!IsSent(*call)) unsent.push_back(call);
  }
  sender_.Clear();
  for (SeqpacketCall* call : unsent) {
    calls_.erase(call->id);
    call->unserved = true;
    Finish(*call, absl::UnavailableError(absl::StrCat(name_, ": ", why)));
  }
}

}  // namespace udsrpc

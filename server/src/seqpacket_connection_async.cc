#include <climits>
#include <memory>
#include <string>
#include <utility>

#include "common/src/wire/limits.h"
#include "server/src/seqpacket_connection.h"
#include "server/src/seqpacket_transport.h"

// Calls whose handlers are coroutines. What would block does what it can instead, and the call is gone on with, by a
// task of the event loop, when something about it has changed.

namespace udsrpc {
namespace {

// Cancels calls' contexts for a thread that must not run the callbacks itself.
class CancelLater final : public EventLoop::Task {
 public:
  explicit CancelLater(std::shared_ptr<SeqpacketServerConnection> connection) : connection_(std::move(connection)) {}
  void Run(std::unique_ptr<EventLoop::Task> /*self*/) override { connection_->CancelWaiting(); }
  bool GoesOn() const override { return true; }

 private:
  const std::shared_ptr<SeqpacketServerConnection> connection_;
};

}  // namespace

SeqpacketServerConnection::AsyncSession::~AsyncSession() {
  if (!connection_.to_cancel_.empty()) connection_.CancelSoon();
  connection_.ContinueCalls();
  connection_.mutex_.Unlock();
}

void SeqpacketServerConnection::CancelSoon() {
  if (to_cancel_later_.empty()) to_continue_.push_back(std::make_unique<CancelLater>(Self()));
  to_cancel_later_.insert(to_cancel_later_.end(), to_cancel_.begin(), to_cancel_.end());
  to_cancel_.clear();
}

void SeqpacketServerConnection::CancelWaiting() {
  const Session session(*this);
  to_cancel_.insert(to_cancel_.end(), to_cancel_later_.begin(), to_cancel_later_.end());
  to_cancel_later_.clear();
}

void SeqpacketServerConnection::Keep(SeqpacketServerCall& call) {
  const AsyncSession session(*this);
  SeqpacketServerCall::Flow& flow = call.flow();
  // From now on its callbacks may be the coroutine, and that is gone on with by tasks.
  while (flow.being_cancelled) flow.changed.Wait(mutex_);
  flow.kept = true;
}

void SeqpacketServerConnection::Changed(SeqpacketServerCall& call) {
  SeqpacketServerCall::Flow& flow = call.flow();
  flow.changed.SignalAll();
  // The thread that leads finds it itself, behind the turn in which it is.
  if (flow.reads_on && !loop().CallerLeads()) loop().Wake();
  if (std::exchange(flow.awaited, false)) to_continue_.push_back(call.MakeContinuation());
}

void SeqpacketServerConnection::ContinueCalls() {
  if (!to_continue_.empty()) loop().Resume(std::exchange(to_continue_, Tasks()));
}

void SeqpacketServerConnection::ContinueSoon(SeqpacketServerCall& call) {
  const AsyncSession session(*this);
  Changed(call);
}

void SeqpacketServerConnection::ContinueBeside(SeqpacketServerCall& call) {
  const AsyncSession session(*this);
  to_continue_.push_back(call.MakeContinuation());
}

void SeqpacketServerConnection::GiveUpWriting(SeqpacketServerCall& call) {
  const AsyncSession session(*this);
  LeaveWriting(call);
}

void SeqpacketServerConnection::QueueInitialMetadataOf(SeqpacketServerCall& call) {
  const AsyncSession session(*this);
  if (MayGoOn(call) && !call.flow().initial_sent && QueueInitialMetadata(call)) SendSoon();
}

bool SeqpacketServerConnection::TryFetch(SeqpacketServerCall& call, ByteQueue& into) {
  const AsyncSession session(*this);
  const bool fetched = call.flow().inbound.Take(into);
  CountKept(call);
  GiveCredit(call);
  if (!sender_.control().empty()) SendSoon();
  return fetched;
}

SeqpacketServerConnection::Messages SeqpacketServerConnection::AwaitMessages(SeqpacketServerCall& call) {
  const AsyncSession session(*this);
  SeqpacketServerCall::Flow& flow = call.flow();
  if (!MayGoOn(call)) return Messages::kNoMore;
  if (!flow.inbound.empty()) return Messages::kHere;
  if (!flow.inbound.exhausted().ok()) {
    AbortExhausted(call);
    return Messages::kNoMore;
  }
  if (flow.half_closed) return Messages::kNoMore;
  flow.awaited = true;
  return Messages::kAwaited;
}

size_t SeqpacketServerConnection::TrySpend(SeqpacketServerCall& call, size_t wanted) {
  const size_t credit = send_credit_.Spend(&call, call.flow().credit, wanted, HasRoom());
  if (credit > 0) {
    SignalNextWriter();
  } else {
    writer_waits_for_room_ = writer_waits_for_room_ || !HasRoom();
    call.flow().awaited = true;
  }
  return credit;
}

SeqpacketServerConnection::Sent SeqpacketServerConnection::TryWrite(SeqpacketServerCall& call,
                                                                    const google::protobuf::MessageLite& message,
                                                                    const internal::OutgoingFds& fds,
                                                                    std::unique_ptr<LongMessage>& rest) {
  const size_t size = message.ByteSizeLong();
  const AsyncSession session(*this);
  if (fds != nullptr && !MaySend(call, *fds)) return LeaveWriting(call);
  if (!PrepareWrite(call, size)) return LeaveWriting(call);
  const size_t frame_bytes = FragmentCost(size, 0, fds);
  const size_t credit = TrySpend(call, frame_bytes);
  if (credit == 0) return Sent::kWait;
  if (credit == frame_bytes) {
    wire::MessageFrame frame{.call = call.id()};
    if (fds != nullptr) frame.fds = static_cast<uint16_t>(fds->size());
    char* body = sender_.queue().AppendFrame(frame, size, fds);
    message.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(body));
    call.record().sizes().OnSent(size);
    SendSoon();
    return Sent::kYes;
  }
  std::string bytes(size, '\0');
  message.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(bytes.data()));
  call.record().sizes().OnSent(size);
  rest = std::make_unique<LongMessage>(call.id(), std::move(bytes), /*half_close=*/false, fds);
  sender_.queue().AppendPacket(rest->Next(credit));
  SendSoon();
  return SendRest(call, *rest);
}

SeqpacketServerConnection::Sent SeqpacketServerConnection::TryWriteRest(SeqpacketServerCall& call, LongMessage& rest) {
  const AsyncSession session(*this);
  return SendRest(call, rest);
}

SeqpacketServerConnection::Sent SeqpacketServerConnection::SendRest(SeqpacketServerCall& call, LongMessage& rest) {
  while (!rest.done()) {
    if (!MayGoOn(call)) return LeaveWriting(call);
    const size_t credit = TrySpend(call, rest.wanted());
    if (credit == 0) return Sent::kWait;
    sender_.queue().AppendPacket(rest.Next(credit));
    SendSoon();
  }
  return Sent::kYes;
}

SeqpacketServerConnection::Sent SeqpacketServerConnection::LeaveWriting(SeqpacketServerCall& call) {
  // What came while it was this call's turn is another's.
  send_credit_.Leave(&call);
  SignalNextWriter();
  return Sent::kNever;
}

void SeqpacketServerConnection::SendSoon() {
  if (sender_.queue().bytes() > kSendAtOnceBytes || !loop().DeferFlush(*this)) SendQueued();
}

}  // namespace udsrpc

#include <algorithm>
#include <climits>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/src/call_errors.h"
#include "common/src/stream/fragment_output.h"
#include "common/src/wire/limits.h"
#include "common/src/wire/metadata_block.h"
#include "server/src/seqpacket_connection.h"
#include "server/src/seqpacket_transport.h"

// What the handlers of a connection's calls do: read, write, wait, and end.

namespace udsrpc {
namespace {

// Answers that a client does not take, above which its connection is given up: handlers that run may still answer.
constexpr size_t kMaxUntakenBytes = 64 << 20;

// Messages that are written within this of each other share packets. Several times what it costs to write one, and
// about what it costs to wake the thread that sends them.
constexpr Deadline::Clock::duration kCloseSuccession = std::chrono::microseconds(20);
// From so many on. To send a few by oneself costs less than to have another thread do it.
constexpr int kLongSuccession = 8;

}  // namespace

// The fragments of a long message that a handler writes.
class SeqpacketServerConnection::FragmentsOf final : public FragmentSink {
 public:
  FragmentsOf(SeqpacketServerConnection& connection, SeqpacketServerCall& call)
      : connection_(connection), call_(call) {}

  size_t AwaitCredit(size_t wanted) override {
    const AsyncSession session(connection_);
    return connection_.AwaitCredit(call_, wanted);
  }

  bool SendFragment(wire::PacketQueue::Packet fragment) override {
    const AsyncSession session(connection_);
    if (!connection_.MayGoOn(call_)) {
      connection_.ReturnCredit(fragment.bytes().size());
      return false;
    }
    connection_.sender_.queue().AppendPacket(std::move(fragment));
    connection_.SendQueued();
    return true;
  }

  void ReturnCredit(size_t bytes) override {
    const AsyncSession session(connection_);
    connection_.ReturnCredit(bytes);
  }

 private:
  SeqpacketServerConnection& connection_;
  SeqpacketServerCall& call_;
};

const MethodTable& SeqpacketServerConnection::methods() const { return transport_.methods(); }

bool SeqpacketServerConnection::MayGoOn(SeqpacketServerCall& call) { return !call.flow().ended && call.Wanted().ok(); }

void SeqpacketServerConnection::SendWritten() {
  const Deadline::Clock::time_point now = Deadline::Clock::now();
  const bool alone = now - std::exchange(written_, now) > kCloseSuccession;
  written_in_succession_ = alone ? 0 : written_in_succession_ + 1;
  const bool at_once = written_in_succession_ < kLongSuccession || sender_.queue().bytes() > kSendAtOnceBytes;
  if (at_once || !loop().FlushSoon(*this)) SendQueued();
}

void SeqpacketServerConnection::WaitForChange(SeqpacketServerCall& call) {
  if (!sender_.empty() && !sender_.sending() && !sender_.blocked()) {
    SendQueued();  // without the mutex for a while: there may have been a change
    return;
  }
  written_in_succession_ = 0;  // who waits between its messages is not to have them sent by others
  if (loop().MayReadOn()) {
    call.flow().reads_on = true;
    mutex_.Unlock();
    loop().ReadOn(call.Remaining());
    mutex_.Lock();
    call.flow().reads_on = false;
    return;
  }
  loop().AboutToBlock();
  call.flow().changed.WaitWithTimeout(mutex_, call.Remaining());
}

bool SeqpacketServerConnection::Fetch(SeqpacketServerCall& call, ByteQueue& into) {
  const AsyncSession session(*this);
  SeqpacketServerCall::Flow& flow = call.flow();
  while (flow.inbound.empty() && flow.inbound.exhausted().ok() && !flow.half_closed && MayGoOn(call)) {
    WaitForChange(call);
  }
  const bool fetched = MayGoOn(call) && flow.inbound.Take(into);
  CountKept(call);
  if (!fetched && !flow.inbound.exhausted().ok() && MayGoOn(call)) AbortExhausted(call);
  GiveCredit(call);
  if (!sender_.control().empty()) SendQueued();
  return fetched;
}

void SeqpacketServerConnection::CountKept(SeqpacketServerCall& call) {
  SeqpacketServerCall::Flow& flow = call.flow();
  size_t bytes = flow.inbound.bytes();
  // One request is kept until the call has ended, as the message that it was parsed to.
  if (ReadsOneRequest(call.server_method().kind())) bytes = std::max(bytes, flow.held.amount());
  if (caller_->user().HoldBytes(flow.held, bytes)) return;
  flow.inbound.Exhaust(absl::ResourceExhaustedError(caller_->TooManyBytesText()));
  caller_->user().HoldBytes(flow.held, 0);
}

void SeqpacketServerConnection::AbortExhausted(SeqpacketServerCall& call) {
  const InboundMessages& inbound = call.flow().inbound;
  const absl::string_view remedy =
      inbound.oversized() ? ", the server's; send less, or raise ServerOptions::max_receive_message_bytes" : "";
  Abort(call, absl::ResourceExhaustedError(absl::StrCat(call.method(), ": ", inbound.exhausted().message(), remedy)));
}

void SeqpacketServerConnection::GiveCredit(SeqpacketServerCall& call) {
  const uint32_t bytes = call.flow().inbound.Grant();
  if (bytes == 0 || call.flow().ended) return;
  ControlQueue().AppendFrame(wire::CreditFrame{.call = call.id(), .bytes = bytes});
}

size_t SeqpacketServerConnection::AwaitCredit(SeqpacketServerCall& call, size_t wanted) {
  for (; MayGoOn(call); WaitForChange(call)) {
    if (const size_t credit = send_credit_.Spend(&call, call.flow().credit, wanted, HasRoom()); credit > 0) {
      SignalNextWriter();
      return credit;
    }
    writer_waits_for_room_ = writer_waits_for_room_ || !HasRoom();
  }
  LeaveWriting(call);
  return 0;
}

void SeqpacketServerConnection::ReturnCredit(size_t bytes) {
  send_credit_.Return(bytes);
  SignalNextWriter();
}

void SeqpacketServerConnection::SignalNextWriter() {
  if (SeqpacketServerCall* next = send_credit_.Next(); next != nullptr) Changed(*next);
}

bool SeqpacketServerConnection::QueueInitialMetadata(SeqpacketServerCall& call) {
  SeqpacketServerCall::Flow& flow = call.flow();
  if (flow.initial_sent) return true;
  std::string metadata;
  if (call.initial_metadata().ByteSize() > client_max_metadata_ ||
      !wire::SerializeMetadata(call.initial_metadata(), metadata).ok()) {
    return false;
  }
  flow.initial_sent = true;
  sender_.queue().AppendFrame(wire::InitialFrame{.call = call.id(), .metadata = metadata});
  return true;
}

void SeqpacketServerConnection::SendInitialMetadata(SeqpacketServerCall& call) {
  const AsyncSession session(*this);
  if (!MayGoOn(call) || call.flow().initial_sent) return;
  if (QueueInitialMetadata(call)) SendQueued();
}

bool SeqpacketServerConnection::PrepareWrite(SeqpacketServerCall& call, size_t size) {
  if (!MayGoOn(call)) return false;
  if (size > INT_MAX) {
    Abort(call, UnserializableMessageError(call.method()));
    return false;
  }
  if (!call.initial_metadata().empty() && !QueueInitialMetadata(call)) return false;
  return call.flow().initial_sent = true;
}

bool SeqpacketServerConnection::Write(SeqpacketServerCall& call, const google::protobuf::MessageLite& message,
                                      const internal::OutgoingFds& fds) {
  const size_t size = message.ByteSizeLong();
  const size_t frame_bytes = FragmentCost(size, 0, fds);
  size_t credit;
  {
    const AsyncSession session(*this);
    if (fds != nullptr && !MaySend(call, *fds)) return false;
    if (!PrepareWrite(call, size)) return false;
    credit = AwaitCredit(call, frame_bytes);
    if (credit == 0) return false;
    if (credit == frame_bytes) {
      wire::MessageFrame frame{.call = call.id()};
      if (fds != nullptr) frame.fds = static_cast<uint16_t>(fds->size());
      char* body = sender_.queue().AppendFrame(frame, size, fds);
      message.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(body));
      call.record().sizes().OnSent(size);
      SendWritten();
      return true;
    }
  }
  FragmentsOf fragments(*this, call);
  if (FragmentOutput::Send(call.id(), message, size, /*half_close=*/false, fds, credit, fragments)) {
    call.record().sizes().OnSent(size);
    return true;
  }
  const AsyncSession session(*this);
  // Unless it was cancelled, the client has begun to read what will not go on.
  if (MayGoOn(call)) {
    Abort(call, absl::InternalError(absl::StrCat(call.method(), ": the message changed while it was written")));
  }
  return false;
}

absl::Status SeqpacketServerConnection::UnsentResponseError(const SeqpacketServerCall& call) {
  absl::Status status = call.Wanted();
  status.Update(absl::ResourceExhaustedError(
      absl::StrCat(call.method(), ": the reply, or its metadata, is larger than can be sent; reply with less")));
  return status;
}

void SeqpacketServerConnection::FinishCall(SeqpacketServerCall& call, const absl::Status& status,
                                           const google::protobuf::MessageLite* response) {
  SeqpacketServerCall::Flow& flow = call.flow();
  absl::Status result = status;
  internal::OutgoingFds fds;
  if (response != nullptr) fds = call.attached_fds();
  if (response != nullptr && !Answer::Fits(*response, call)) {
    if (!Write(call, *response, fds)) result = UnsentResponseError(call);
    response = nullptr;
  }
  call.cancellation().UnsubscribeAll();
  const Answer answer(call.id(), result, call, response, response == nullptr ? nullptr : std::move(fds),
                      client_max_metadata_, flow.initial_sent);
  bool send_at_once = false;
  {
    const Session session(*this);
    // Where nobody has begun to run its callbacks, nobody has to: none are left. Whoever is to may come behind this
    // call.
    if (std::erase(to_cancel_, &call) + std::erase(to_cancel_later_, &call) > 0) flow.being_cancelled = false;
    while (flow.being_cancelled) flow.changed.Wait(mutex_);
    if (flow.kept) LeaveWriting(call);
    --unfinished_calls_;
    if (!flow.ended) {
      flow.ended = true;
      calls_.erase(call.id());
      if (calls_.empty() && transport_.options().max_connection_idle != absl::InfiniteDuration()) {
        last_call_ = Deadline::Clock::now();
      }
      if (answer.fds() == nullptr || HasRoomForFds(answer.fds()->size())) {
        QueueAnswer(answer);
      } else {
        const absl::Status untaken = UntakenFdsError(call.method());
        call.record().End(untaken.code(), untaken.message());
        QueueAnswer(Answer(call.id(), untaken, /*refused=*/false));
      }
      if (sender_.queue().bytes() > kMaxUntakenBytes || !CountQueued()) GiveUp();
      send_at_once = sender_.queue().bytes() > kAnswersAtOnceBytes || sender_.queue().fds() > kMaxQueuedFds;
    }
    if (response != nullptr) call.record().sizes().OnSent(answer.message_bytes());
    call.record().End(static_cast<absl::StatusCode>(answer.frame().code), answer.frame().status_message);
  }
  if (send_at_once || !loop().DeferFlush(*this)) Flush();
}

void SeqpacketServerConnection::Abort(SeqpacketServerCall& call, const absl::Status& status) {
  SeqpacketServerCall::Flow& flow = call.flow();
  flow.ended = true;
  flow.inbound.Discard();
  calls_.erase(call.id());
  call.record().End(status.code(), status.message());
  QueueAnswer(Answer(call.id(), status, /*refused=*/false));
  CancelCall(call);
  SendQueued();
}

void SeqpacketServerConnection::CancelCall(SeqpacketServerCall& call) {
  call.MarkCancelled();
  SeqpacketServerCall::Flow& flow = call.flow();
  Changed(call);
  if (flow.kept) {
    if (!std::exchange(flow.cancel_queued, true)) to_continue_.push_back(call.MakeCanceller());
  } else if (!std::exchange(flow.being_cancelled, true)) {
    to_cancel_.push_back(&call);
  }
}

SeqpacketServerConnection::Session::~Session() {
  if (!connection_.to_cancel_.empty()) {
    // A handler that reads on may hold what a callback wants.
    connection_.loop().CallerReadsOn() ? connection_.CancelSoon() : connection_.RunCancelCallbacks();
  }
  connection_.ContinueCalls();
  connection_.mutex_.Unlock();
}

void SeqpacketServerConnection::RunCancelCallbacks() {
  // Taken out, as another thread that comes meanwhile may be one that must not run them.
  const std::vector<SeqpacketServerCall*> calls = std::exchange(to_cancel_, {});
  for (SeqpacketServerCall* call : calls) {
    mutex_.Unlock();
    call->cancellation().Cancel();
    mutex_.Lock();
    call->flow().being_cancelled = false;
    call->flow().changed.SignalAll();
  }
}

TimerQueue::Id SeqpacketServerConnection::CancelAt(SeqpacketServerCall& call, Deadline::Clock::time_point deadline) {
  return loop().AddTimer(deadline, [self = Self(), id = call.id(), call = &call] { self->OnDeadline(id, call); });
}

void SeqpacketServerConnection::RemoveTimer(const TimerQueue::Id& timer) { loop().RemoveTimer(timer); }

void SeqpacketServerConnection::OnDeadline(uint32_t id, const SeqpacketServerCall* call) {
  const Session session(*this);
  const auto found = calls_.find(id);
  // Another call may have the number by now, and even the place in memory; it is cancelled if it has expired, too.
  if (found == calls_.end() || found->second != call || call->Wanted().ok()) return;
  if (!receiving_.contains(id)) return CancelCall(*found->second);
  Tasks tasks;  // to be ended, with nobody to be told
  MayDispatch(id, tasks);
  loop().Resume(std::move(tasks));
}

}  // namespace udsrpc

#include "client/src/seqpacket_connection.h"

#include <algorithm>
#include <climits>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/src/call_errors.h"
#include "common/src/socket/socket.h"
#include "common/src/stream/fragment_output.h"
#include "common/src/stream/outgoing_fds.h"
#include "common/src/wire/limits.h"
#include "common/src/wire/metadata_block.h"

namespace udsrpc {
namespace {

// What may wait for a server that does not read. Further calls, and messages of whatever credit, wait until there is
// less.
constexpr size_t kMaxQueuedBytes = 1 << 20;

// The most that a CALL takes beside path, metadata and message: header, method, timeout, and the lengths of sections.
constexpr size_t kCallHeadBytes = wire::FrameHeader::kBytes + 4 + 8 + 2 + 2;

}  // namespace

// The fragments of a long message that a call sends.
class SeqpacketConnection::FragmentsOf final : public FragmentSink {
 public:
  FragmentsOf(SeqpacketConnection& connection, SeqpacketCall& call) : connection_(connection), call_(call) {}

  size_t AwaitCredit(size_t wanted) override {
    internal::MutexLock lock(connection_.mutex_);
    const size_t credit = connection_.AwaitCredit(call_, wanted);
    connection_.HandOnReading();
    return credit;
  }

  bool SendFragment(wire::PacketQueue::Packet fragment) override {
    internal::MutexLock lock(connection_.mutex_);
    if (!connection_.CheckOpen(call_)) {
      connection_.ReturnCredit(fragment.bytes().size());
      return false;
    }
    connection_.sender_.queue().AppendPacket(std::move(fragment));
    connection_.Flush();
    return true;
  }

  void ReturnCredit(size_t bytes) override {
    internal::MutexLock lock(connection_.mutex_);
    connection_.ReturnCredit(bytes);
  }

 private:
  SeqpacketConnection& connection_;
  SeqpacketCall& call_;
};

void SeqpacketCall::OnCancel() { connection->Cancel(*this); }

absl::StatusOr<std::shared_ptr<SeqpacketConnection>> SeqpacketConnection::Create(UniqueFd&& socket, std::string name,
                                                                                 Limits limits) {
  absl::StatusOr<UniqueFd> wake_event = OpenWakeEvent();
  if (!wake_event.ok()) return wake_event.status();
  EnlargeSendBuffer(socket.get());
  return std::shared_ptr<SeqpacketConnection>(
      new SeqpacketConnection(std::move(socket), *std::move(wake_event), std::move(name), limits));
}

SeqpacketConnection::SeqpacketConnection(UniqueFd socket, UniqueFd wake_event, std::string name, Limits limits)
    : socket_(std::move(socket)),
      wake_event_(std::move(wake_event)),
      name_(std::move(name)),
      limits_(limits),
      fd_receiver_(FdReceiver::Make(limits.max_receive_fds, limits.max_untaken_fds)),
      sender_(socket_.get()),
      spin_(limits.spin_budget),
      keepalive_(limits.keepalive_time, limits.keepalive_timeout) {
  // Leaves with the first call, in one packet.
  const wire::HelloFrame hello{.version = wire::kVersion,
                               .min_version = wire::kVersion,
                               .features = 0,
                               .max_calls = 0,
                               .max_metadata = wire::ClampLimit(limits_.max_metadata_bytes),
                               .max_message = limits_.max_receive_message_bytes,
                               .max_fds = FdReceiver::Announced(limits_.max_receive_fds)};
  sender_.queue().AppendFrame(hello);
}

void SeqpacketConnection::Open(SeqpacketCall& call, const google::protobuf::MessageLite* request, bool half_close) {
  std::string metadata;
  absl::Status status = wire::SerializeMetadata(call.context.metadata(), metadata);
  const bool fits = Fits(call, metadata, request);
  {
    const Session session(*this);
    if (status.ok()) status = Start(call, metadata, fits ? request : nullptr, fits && half_close);
    if (!status.ok()) return Finish(call, std::move(status));
  }
  if (!fits) Write(call, *request, half_close, ActiveCall::AttachedFds(call.context));
}

bool SeqpacketConnection::OpenAndAwait(SeqpacketCall& call, const google::protobuf::MessageLite& request) {
  std::string metadata;
  absl::Status status = wire::SerializeMetadata(call.context.metadata(), metadata);
  if (!Fits(call, metadata, &request)) {
    Open(call, &request, /*half_close=*/true);
    return Await(call, /*or_messages=*/true);
  }
  const Session session(*this);
  if (status.ok()) status = Start(call, metadata, &request, /*half_close=*/true);
  if (!status.ok()) Finish(call, std::move(status));
  while (call.inbound.empty() && MayGoOn(call)) WaitOnce(call);
  return !call.inbound.empty();
}

absl::Status SeqpacketConnection::Start(SeqpacketCall& call, absl::string_view metadata,
                                        const google::protobuf::MessageLite* request, bool half_close) {
  if (!greeted_ && ActiveCall::AttachedFds(call.context) != nullptr) {
    AskForHello();
    Flush();
    ++waiting_for_hello_;
    while (!greeted_ && !going_away_ && Expired(call).ok()) WaitOnce(call);
    --waiting_for_hello_;
  }
  ++waiting_for_room_;
  while (!HasRoomForCall() && !going_away_ && Expired(call).ok()) WaitOnce(call);
  --waiting_for_room_;
  absl::Status status = StartNow(call, metadata, request, half_close);
  if (status.ok()) Flush();
  return status;
}

absl::Status SeqpacketConnection::StartNow(SeqpacketCall& call, absl::string_view metadata,
                                           const google::protobuf::MessageLite* request, bool half_close) {
  const Deadline::Clock::time_point now = Deadline::Clock::now();
  if (absl::Status status = Expired(call, now); !status.ok()) return status;
  if (going_away_) {
    call.unserved = true;
    return absl::UnavailableError(absl::StrCat(name_, ": the connection has ended: ", goodbye_));
  }
  if (const internal::OutgoingFds fds = ActiveCall::AttachedFds(call.context); fds != nullptr) {
    if (absl::Status status = CheckAttached(call, *fds); !status.ok()) return status;
  }
  if (absl::Status status = Enqueue(call, metadata, request, half_close, now); !status.ok()) return status;
  call.state = SeqpacketCall::State::kOpen;
  call.half_closed = half_close;
  if (calls_.empty()) keepalive_.Restart(now);
  calls_.emplace(call.id, &call);
  return absl::OkStatus();
}

bool SeqpacketConnection::Fits(const SeqpacketCall& call, absl::string_view metadata,
                               const google::protobuf::MessageLite* request) {
  const size_t most = kCallHeadBytes + call.path.size() + metadata.size() +
                      (ActiveCall::AttachedFds(call.context) == nullptr ? 0 : sizeof(uint16_t));
  return request == nullptr || most + request->ByteSizeLong() <= wire::kMaxPacketBytes;
}

bool SeqpacketConnection::HasRoom() const {
  return sender_.queue().bytes() <= kMaxQueuedBytes && sender_.queue().fds() <= kMaxQueuedFds;
}

bool SeqpacketConnection::HasRoomForCall() const { return HasRoom() && calls_.size() + abandoned_.size() < max_calls_; }

absl::Status SeqpacketConnection::Enqueue(SeqpacketCall& call, absl::string_view metadata,
                                          const google::protobuf::MessageLite* request, bool half_close,
                                          Deadline::Clock::time_point now) {
  wire::CallFrame frame{.call = NextId(),
                        .half_close = half_close,
                        .has_message = request != nullptr,
                        .timeout_us = call.deadline.RemainingMicroseconds(now),
                        .metadata = metadata};
  const auto known = methods_.find(call.path);
  if (known != methods_.end()) {
    frame.method = known->second;
  } else {
    if (call.path.size() > wire::kMaxMethodPathBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("a method's path has at most ", wire::kMaxMethodPathBytes, " bytes: ", call.path));
    }
    frame.path = call.path;
    // The server remembers so many numbers; what comes after them is named each time.
    if (methods_.size() < wire::kMaxMethodNumbers) frame.method = static_cast<uint32_t>(methods_.size()) + 1;
  }
  internal::OutgoingFds fds;
  if (request != nullptr) fds = ActiveCall::AttachedFds(call.context);
  if (fds != nullptr) frame.fds = static_cast<uint16_t>(fds->size());
  const size_t message_bytes = request == nullptr ? 0 : static_cast<size_t>(request->GetCachedSize());
  char* body = sender_.queue().AppendFrame(frame, message_bytes, fds);
  if (request != nullptr) {
    request->SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(body));
    ActiveCall::Sizes(call.context).OnSent(message_bytes);
  }
  if (known == methods_.end() && frame.method != 0) methods_.emplace(call.path, frame.method);
  call.id = frame.call;
  call.end_in_queue = sender_.queue().bytes_appended();
  return absl::OkStatus();
}

uint32_t SeqpacketConnection::NextId() {
  do {
    ++last_id_;
  } while (last_id_ == 0 || calls_.contains(last_id_) || abandoned_.contains(last_id_));
  return last_id_;
}

bool SeqpacketConnection::Write(SeqpacketCall& call, const google::protobuf::MessageLite& message, bool last,
                                const internal::OutgoingFds& fds) {
  const size_t size = message.ByteSizeLong();
  if (size > INT_MAX) {
    End(call, UnserializableMessageError(call.path));
    return false;
  }
  wire::MessageFrame frame{.call = call.id, .half_close = last};
  if (fds != nullptr) frame.fds = static_cast<uint16_t>(fds->size());
  const size_t frame_bytes = FragmentCost(size, 0, fds);
  size_t credit;
  {
    const Session session(*this);
    if (call.half_closed) return false;
    if (fds != nullptr && !(AwaitHello(call) && MaySend(call, *fds))) return false;
    call.half_closed = last;
    credit = AwaitCredit(call, frame_bytes);
    if (credit == 0) return false;
    if (credit == frame_bytes) {
      char* body = sender_.queue().AppendFrame(frame, size, fds);
      message.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(body));
      ActiveCall::Sizes(call.context).OnSent(size);
      Flush();
      return AwaitSent(call, sender_.queue().bytes_appended());
    }
  }
  FragmentsOf fragments(*this, call);
  if (FragmentOutput::Send(call.id, message, size, last, fds, credit, fragments)) {
    const Session session(*this);
    ActiveCall::Sizes(call.context).OnSent(size);
    return AwaitSent(call, sender_.queue().bytes_appended());
  }
  // Unless the call has ended, the server has begun to read what will not go on.
  End(call, absl::InternalError(absl::StrCat(call.path, ": the message changed while it was written")));
  return false;
}

bool SeqpacketConnection::HalfClose(SeqpacketCall& call) {
  const Session session(*this);
  if (!CheckOpen(call)) return false;
  if (std::exchange(call.half_closed, true)) return true;
  sender_.queue().AppendFrame(wire::HalfCloseFrame{.call = call.id});
  Flush();
  return AwaitSent(call, sender_.queue().bytes_appended());
}

bool SeqpacketConnection::AwaitSent(SeqpacketCall& call, uint64_t end) {
  ++waiting_to_be_sent_;
  while (sender_.blocked() && sender_.queue().bytes_taken() < end && CheckOpen(call)) WaitOnce(call);
  --waiting_to_be_sent_;
  // What the kernel has taken was sent, though the server may have ended the call since.
  return call.state == SeqpacketCall::State::kOpen || (sender_.queue().bytes_taken() >= end && !lost_);
}

size_t SeqpacketConnection::AwaitCredit(SeqpacketCall& call, size_t wanted) {
  for (; CheckOpen(call); WaitOnce(call)) {
    if (const size_t credit = send_credit_.Spend(&call, call.credit, wanted, HasRoom()); credit > 0) {
      WakeNextWriter();
      return credit;
    }
    writer_waits_for_room_ = writer_waits_for_room_ || !HasRoom();
  }
  return 0;
}

void SeqpacketConnection::ReturnCredit(size_t bytes) {
  send_credit_.Return(bytes);
  WakeNextWriter();
}

bool SeqpacketConnection::Fetch(SeqpacketCall& call, ByteQueue& into) {
  const Session session(*this);
  while (call.inbound.empty() && MayGoOn(call)) WaitOnce(call);
  const bool fetched = call.inbound.Take(into);
  GiveCredit(call);
  if (!sender_.control().empty()) Flush();
  return fetched;
}

void SeqpacketConnection::GiveCredit(SeqpacketCall& call) {
  const uint32_t bytes = call.inbound.Grant();
  if (bytes == 0 || call.state != SeqpacketCall::State::kOpen) return;
  sender_.control().AppendFrame(wire::CreditFrame{.call = call.id, .bytes = bytes});
}

void SeqpacketConnection::DiscardMessages(SeqpacketCall& call) {
  const Session session(*this);
  call.inbound.Discard();
  GiveCredit(call);
  if (!sender_.control().empty()) Flush();
}

bool SeqpacketConnection::IsUnserved(const SeqpacketCall& call) {
  internal::MutexLock lock(mutex_);
  return call.state == SeqpacketCall::State::kEnded && call.unserved;
}

bool SeqpacketConnection::Await(SeqpacketCall& call, bool or_messages) {
  const Session session(*this);
  while (!(or_messages && !call.inbound.empty()) && MayGoOn(call)) WaitOnce(call);
  return !call.inbound.empty();
}

void SeqpacketConnection::AwaitInitialMetadata(SeqpacketCall& call) {
  const Session session(*this);
  while (!call.initial_metadata_known && MayGoOn(call)) WaitOnce(call);
}

absl::Status SeqpacketConnection::Expired(const SeqpacketCall& call) const {
  return call.cancelled || call.deadline.HasPassedNow() ? Expired(call, Deadline::Clock::now()) : absl::OkStatus();
}

absl::Status SeqpacketConnection::Expired(const SeqpacketCall& call, Deadline::Clock::time_point now) const {
  if (call.cancelled) return absl::CancelledError(absl::StrCat(call.path, ": cancelled"));
  if (call.deadline.HasPassed(now)) {
    return absl::DeadlineExceededError(absl::StrCat(call.path, ": no answer from ", name_, " before the deadline"));
  }
  return absl::OkStatus();
}

bool SeqpacketConnection::CheckOpen(SeqpacketCall& call) {
  if (call.state == SeqpacketCall::State::kOpen) {
    if (absl::Status status = Expired(call); !status.ok()) EndLocked(call, std::move(status));
  }
  // The caller has come to the message that is over the limit. A server that has ended the call may have sent it, too.
  if (call.state != SeqpacketCall::State::kClaimed && !call.inbound.exhausted().ok() && call.inbound.empty()) {
    Exhaust(call);
  }
  return call.state == SeqpacketCall::State::kOpen;
}

void SeqpacketConnection::Exhaust(SeqpacketCall& call) {
  absl::Status status = absl::ResourceExhaustedError(
      absl::StrCat(call.path, ": ", call.inbound.exhausted().message(),
                   call.inbound.oversized() ? "; raise ChannelOptions::max_receive_message_bytes" : ""));
  if (call.state == SeqpacketCall::State::kOpen) {
    EndLocked(call, std::move(status));
  } else if (call.status.ok()) {
    call.status = std::move(status);
  }
}

bool SeqpacketConnection::MayGoOn(SeqpacketCall& call) {
  return CheckOpen(call) || call.state == SeqpacketCall::State::kClaimed;
}

void SeqpacketConnection::Flush() {
  const IoResult result = sender_.Flush(mutex_);
  if (lost_) return FinishLost();  // meanwhile
  if (waiting_for_room_ > 0 && HasRoomForCall()) {
    WakeAll();
    WakeReader();  // which may be one of them
  }
  MayOpenNext();
  if (HasRoom() && std::exchange(writer_waits_for_room_, false)) WakeNextWriter();
  if (waiting_to_be_sent_ > 0 && !sender_.blocked()) WakeAll();
  switch (result.outcome) {
    case IoOutcome::kDone:
      break;
    case IoOutcome::kWouldBlock:
    case IoOutcome::kNoMemory:
      // The reader sends the rest when there is room; one that is asleep does not yet know that it should.
      WakeReader();
      break;
    case IoOutcome::kClosed:
      // What the server sent before it closed is still to be read; the reader then ends the connection. What has not
      // left never will.
      FailUnsent("the server closed the connection");
      break;
    case IoOutcome::kFailed:
      // The calls that the server has may miss some of their messages.
      FailUnsent(absl::StrCat("cannot send: ", ErrnoText(result.error)));
      ShutdownSocket(socket_.get());
      break;
  }
}

}  // namespace udsrpc

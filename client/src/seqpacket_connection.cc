#include "client/src/seqpacket_connection.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/src/socket/socket.h"
#include "common/src/status_details.h"
#include "common/src/wire/limits.h"
#include "common/src/wire/metadata_block.h"

namespace udsrpc {
namespace {

// A thread reads for one connection at a time and is done with the packet when it reads the next, so the buffer is the
// thread's: idle connections keep none.
char* ReceiveBuffer() {
  thread_local std::unique_ptr<char[]> buffer(new char[wire::kMaxPacketBytes]);
  return buffer.get();
}

// What may wait for a server that does not read. A further call waits until there is less.
constexpr size_t kMaxQueuedBytes = 1 << 20;

absl::Status TooLarge(const PendingCall& call, size_t frame_bytes) {
  return absl::ResourceExhaustedError(absl::StrCat(call.path, ": the request with its metadata takes ", frame_bytes,
                                                   " bytes, and a seqpacket call carries ", wire::kMaxPacketBytes,
                                                   "; send less, or use Transport::kGrpc for this method"));
}

}  // namespace

void PendingCall::OnCancel() { connection->Cancel(*this); }

absl::StatusOr<std::shared_ptr<SeqpacketConnection>> SeqpacketConnection::Create(UniqueFd socket, std::string name,
                                                                                 Limits limits) {
  absl::StatusOr<UniqueFd> wake_event = OpenWakeEvent();
  if (!wake_event.ok()) return wake_event.status();
  return std::shared_ptr<SeqpacketConnection>(
      new SeqpacketConnection(std::move(socket), *std::move(wake_event), std::move(name), limits));
}

SeqpacketConnection::SeqpacketConnection(UniqueFd socket, UniqueFd wake_event, std::string name, Limits limits)
    : socket_(std::move(socket)),
      wake_event_(std::move(wake_event)),
      name_(std::move(name)),
      limits_(limits),
      sender_(socket_.get()) {
  // Leaves with the first call, in one packet.
  const wire::HelloFrame hello{.version = wire::kVersion,
                               .min_version = wire::kVersion,
                               .features = 0,
                               .max_calls = 0,
                               .max_metadata = wire::ClampLimit(limits_.max_metadata_bytes),
                               .max_message = limits_.max_receive_message_bytes};
  sender_.queue().AppendFrame(hello);
}

absl::Status SeqpacketConnection::Call(PendingCall& call) {
  std::string metadata;
  if (absl::Status status = wire::SerializeMetadata(call.context.metadata(), metadata); !status.ok()) return status;
  const size_t message_bytes = call.request.ByteSizeLong();

  call.connection = this;
  call.Attach(call.context);
  {
    internal::MutexLock lock(mutex_);
    if (absl::Status status = Start(call, metadata, message_bytes); status.ok()) {
      Await(call);
    } else {
      call.status = std::move(status);
    }
    HandOnReading();
    call.last = going_away_;
  }
  call.Detach(call.context);
  return std::move(call.status);
}

absl::Status SeqpacketConnection::Start(PendingCall& call, absl::string_view metadata, size_t message_bytes) {
  while (sender_.queue().bytes() > kMaxQueuedBytes && !going_away_ && Expired(call).ok()) WaitOnce(call);
  if (absl::Status status = Expired(call); !status.ok()) return status;
  if (going_away_) {
    call.unserved = true;
    return absl::UnavailableError(absl::StrCat(name_, ": the connection has ended: ", goodbye_));
  }
  if (absl::Status status = Enqueue(call, metadata, message_bytes); !status.ok()) return status;
  calls_.emplace(call.id, &call);
  Flush();
  return absl::OkStatus();
}

absl::Status SeqpacketConnection::Enqueue(PendingCall& call, absl::string_view metadata, size_t message_bytes) {
  wire::CallFrame frame{.call = NextId(),
                        .half_close = true,
                        .has_message = true,
                        .timeout_us = call.deadline.RemainingMicroseconds(Deadline::Clock::now()),
                        .metadata = metadata};
  const auto known = methods_.find(call.path);
  if (known != methods_.end()) {
    frame.method = known->second;
  } else {
    frame.path = call.path;
    // The server remembers so many numbers; what comes after them is named each time.
    if (methods_.size() < wire::kMaxMethodNumbers) frame.method = static_cast<uint32_t>(methods_.size()) + 1;
  }
  const size_t frame_bytes = wire::FrameHeader::kBytes + frame.HeadSize() + message_bytes;
  if (call.path.size() > wire::kMaxMethodPathBytes || frame_bytes > wire::kMaxPacketBytes) {
    return TooLarge(call, frame_bytes);
  }
  char* body = sender_.queue().AppendFrame(frame, message_bytes);
  call.request.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(body));
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

void SeqpacketConnection::Flush() {
  const IoOutcome outcome = sender_.Flush(mutex_);
  if (lost_) return FinishLost();  // meanwhile
  switch (outcome) {
    case IoOutcome::kDone:
      break;
    case IoOutcome::kWouldBlock:
      // The reader sends the rest when there is room; one that is asleep does not yet know that it should.
      if (reading_) SignalWakeEvent(wake_event_.get());
      break;
    case IoOutcome::kClosed:
    case IoOutcome::kFailed:
      // What the server sent before it closed is still to be read; the reader then ends the connection. What has not
      // left never will.
      FailUnsent();
      break;
  }
}

bool SeqpacketConnection::IsSent(const PendingCall& call) const {
  return call.end_in_queue <= sender_.queue().bytes_taken();
}

void SeqpacketConnection::FailUnsent() {
  going_away_ = true;
  std::vector<PendingCall*> unsent;
  for (const auto& [id, call] : calls_) {
    if (!IsSent(*call)) unsent.push_back(call);
  }
  sender_.queue().Clear();
  for (PendingCall* call : unsent) {
    calls_.erase(call->id);
    call->unserved = true;
    Finish(*call, absl::UnavailableError(absl::StrCat(name_, ": the server closed the connection")));
  }
}

absl::Status SeqpacketConnection::Expired(const PendingCall& call) const {
  if (call.cancelled) return absl::CancelledError(absl::StrCat(call.path, ": cancelled"));
  if (!call.deadline.never() && call.deadline.HasPassed(Deadline::Clock::now())) {
    return absl::DeadlineExceededError(absl::StrCat(call.path, ": no answer from ", name_, " before the deadline"));
  }
  return absl::OkStatus();
}

void SeqpacketConnection::Await(PendingCall& call) {
  while (call.state != PendingCall::State::kDone) {
    if (call.state == PendingCall::State::kWaiting) {
      if (absl::Status status = Expired(call); !status.ok()) return Abandon(call, std::move(status));
    }
    WaitOnce(call);
  }
}

void SeqpacketConnection::WaitOnce(PendingCall& call) {
  if (!reading_ && !lost_) return ReadOnce(call.deadline);
  followers_.insert(&call);
  if (call.state == PendingCall::State::kClaimed || call.deadline.never()) {
    call.wake.Wait(mutex_);
  } else {
    call.wake.WaitWithTimeout(mutex_, call.deadline.Remaining(Deadline::Clock::now()));
  }
  followers_.erase(&call);
}

void SeqpacketConnection::Abandon(PendingCall& call, absl::Status status) {
  calls_.erase(call.id);
  if (!lost_) {
    abandoned_.insert(call.id);
    const wire::CancelFrame cancel{.call = call.id, .code = static_cast<uint32_t>(status.code())};
    sender_.queue().AppendFrame(cancel);
    Flush();
  }
  Finish(call, std::move(status));
}

void SeqpacketConnection::HandOnReading() {
  if (!reading_ && !followers_.empty()) (*followers_.begin())->wake.Signal();
}

void SeqpacketConnection::ReadOnce(const Deadline& deadline) {
  reading_ = true;
  const bool want_write = sender_.blocked();
  mutex_.Unlock();
  const absl::Duration timeout =
      deadline.never() ? absl::InfiniteDuration() : deadline.Remaining(Deadline::Clock::now());
  const Readiness ready = WaitForSocket(socket_.get(), want_write, wake_event_.get(), timeout);
  if (ready.woken) ClearWakeEvent(wake_event_.get());
  char* const buffer = ReceiveBuffer();
  IoResult received{.outcome = IoOutcome::kWouldBlock};
  if (ready.readable) received = ReceivePacket(socket_.get(), buffer, wire::kMaxPacketBytes);
  mutex_.Lock();
  if (ready.writable && sender_.blocked()) {
    sender_.OnWritable();
    Flush();
    if (sender_.queue().bytes() <= kMaxQueuedBytes) {
      for (PendingCall* follower : followers_) follower->wake.Signal();  // some may wait for room
    }
  }
  switch (received.outcome) {
    case IoOutcome::kDone:
      if (received.truncated) {
        Reject("a packet is larger than the protocol allows");
      } else {
        OnPacket(absl::string_view(buffer, received.bytes));
      }
      break;
    case IoOutcome::kWouldBlock:
      break;
    case IoOutcome::kClosed:
      Lose("the server closed it or died");
      break;
    case IoOutcome::kFailed:
      Lose(absl::StrCat("cannot receive: errno ", received.error));
      break;
  }
  reading_ = false;
}

void SeqpacketConnection::OnPacket(absl::string_view packet) {
  absl::Status status;
  for (wire::PacketReader reader(packet); !reader.done() && status.ok();) {
    const absl::StatusOr<wire::RawFrame> frame = reader.Next();
    status = frame.ok() ? OnFrame(*frame) : frame.status();
  }
  // Replies in front of a malformed frame are as good as any.
  const absl::Status replies = TakeReplies();
  status.Update(replies);
  if (!status.ok()) Reject(status.message());
}

void SeqpacketConnection::Reject(absl::string_view error) {
  if (lost_) return;
  sender_.queue().AppendFrame(wire::GoawayFrame{.reason = static_cast<uint32_t>(wire::GoawayReason::kProtocolError)},
                              error.substr(0, wire::kMaxReasonBytes));
  Flush();
  Lose(absl::StrCat("the server broke the protocol: ", error));
}

absl::Status SeqpacketConnection::OnFrame(const wire::RawFrame& frame) {
  const auto type = static_cast<wire::FrameType>(frame.header.type);
  if (!greeted_ && type != wire::FrameType::kHello && type != wire::FrameType::kGoaway) {
    return absl::InvalidArgumentError(absl::StrCat(frame.header.ToString(), ": it came before HELLO"));
  }
  switch (type) {
    case wire::FrameType::kHello:
      return OnHello(frame);
    case wire::FrameType::kStatus:
      return OnStatus(frame);
    case wire::FrameType::kGoaway: {
      const absl::StatusOr<wire::GoawayFrame> goaway = wire::GoawayFrame::Parse(frame);
      if (!goaway.ok()) return goaway.status();
      going_away_ = true;
      goodbye_ = absl::StrCat("the server said goodbye: ", goaway->text);
      return absl::OkStatus();
    }
    case wire::FrameType::kPing:
      return OnPing(frame);
    case wire::FrameType::kCall:
    case wire::FrameType::kCancel:
      return absl::InvalidArgumentError(absl::StrCat(frame.header.ToString(), ": only a client sends it"));
  }
  if ((frame.header.type & wire::kIgnorableBit) != 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(frame.header.ToString(), ": its type is unknown"));
}

absl::Status SeqpacketConnection::OnHello(const wire::RawFrame& frame) {
  if (greeted_) return absl::InvalidArgumentError("HELLO: it came twice");
  const absl::StatusOr<wire::HelloFrame> hello = wire::HelloFrame::Parse(frame);
  if (!hello.ok()) return hello.status();
  if (hello->version < wire::kVersion || hello->min_version > wire::kVersion) {
    return absl::InvalidArgumentError(absl::StrCat("HELLO: the server speaks versions ", hello->min_version, " to ",
                                                   hello->version, " and this client ", wire::kVersion,
                                                   "; update the older one"));
  }
  greeted_ = true;
  return absl::OkStatus();
}

absl::Status SeqpacketConnection::OnPing(const wire::RawFrame& frame) {
  absl::StatusOr<wire::PingFrame> ping = wire::PingFrame::Parse(frame);
  if (!ping.ok() || ping->ack) return ping.status();
  if (sender_.queue().bytes() > kMaxQueuedBytes)
    return absl::InvalidArgumentError("PING: the server asks and does not read");
  ping->ack = true;
  sender_.queue().AppendFrame(*ping);
  Flush();
  return absl::OkStatus();
}

absl::Status SeqpacketConnection::OnStatus(const wire::RawFrame& frame) {
  absl::StatusOr<wire::StatusFrame> status = wire::StatusFrame::Parse(frame);
  if (!status.ok()) return status.status();
  if (abandoned_.erase(status->call) > 0) return absl::OkStatus();
  const auto found = calls_.find(status->call);
  if (found == calls_.end() || !IsSent(*found->second)) {
    return absl::InvalidArgumentError(absl::StrCat(frame.header.ToString(), ": there is no such call"));
  }
  PendingCall* call = found->second;
  calls_.erase(found);
  call->state = PendingCall::State::kClaimed;
  replies_.push_back(Reply{.call = call, .frame = *status, .status = absl::OkStatus()});
  return absl::OkStatus();
}

absl::Status SeqpacketConnection::TakeReplies() {
  if (replies_.empty()) return absl::OkStatus();
  absl::Status malformed;
  mutex_.Unlock();
  for (Reply& reply : replies_) {
    reply.status = ReadReply(reply, malformed);
    reply.call->unserved = reply.frame.refused && reply.status.code() == absl::StatusCode::kUnavailable;
  }
  mutex_.Lock();
  for (Reply& reply : replies_) {
    going_away_ = going_away_ || reply.call->unserved;
    Finish(*reply.call, std::move(reply.status));
  }
  replies_.clear();
  return malformed;
}

absl::Status SeqpacketConnection::ReadReply(const Reply& reply, absl::Status& malformed) {
  const wire::StatusFrame& frame = reply.frame;
  PendingCall& call = *reply.call;
  Metadata& initial = ActiveCall::InitialMetadata(call.context);
  Metadata& trailing = ActiveCall::TrailingMetadata(call.context);
  absl::Status parsed = wire::ParseMetadata(frame.initial_metadata, initial);
  parsed.Update(wire::ParseMetadata(frame.trailing_metadata, trailing));
  if (!parsed.ok()) {
    malformed.Update(parsed);
    return absl::UnavailableError(absl::StrCat(name_, ": the server broke the protocol: ", parsed.message()));
  }
  const size_t most = std::max(initial.ByteSize(), trailing.ByteSize());
  if (most > limits_.max_metadata_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(call.path, ": the server's metadata of ", most,
                                                     " bytes is over the limit of ", limits_.max_metadata_bytes,
                                                     "; raise ChannelOptions::max_metadata_bytes"));
  }
  if (frame.code != 0) return MakeStatus(static_cast<int>(frame.code), frame.status_message, frame.details);
  if (frame.message.size() > limits_.max_receive_message_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(call.path, ": the reply of ", frame.message.size(),
                                                     " bytes is over the limit of ", limits_.max_receive_message_bytes,
                                                     "; raise ChannelOptions::max_receive_message_bytes"));
  }
  if (!frame.has_message) {
    return absl::UnimplementedError(
        absl::StrCat(call.path, ": ", name_, " said OK without a reply; is the method a unary one there?"));
  }
  if (!call.response.ParseFromArray(frame.message.data(), static_cast<int>(frame.message.size()))) {
    return absl::InternalError(absl::StrCat(call.path, ": the reply's bytes are no ", call.response.GetTypeName(),
                                            "; do both sides use the same .proto?"));
  }
  return absl::OkStatus();
}

void SeqpacketConnection::Finish(PendingCall& call, absl::Status status) {
  call.state = PendingCall::State::kDone;
  call.status = std::move(status);
  call.wake.Signal();
}

void SeqpacketConnection::Lose(absl::string_view why) {
  if (lost_) return;
  lost_ = true;
  going_away_ = true;
  if (goodbye_.empty()) goodbye_ = std::string(why);
  FinishLost();
}

void SeqpacketConnection::FinishLost() {
  abandoned_.clear();
  const uint64_t taken = sender_.queue().bytes_taken();
  std::vector<PendingCall*> finished;
  for (const auto& [id, call] : calls_) {
    // Whether a packet that is being sent this moment can reach the server, its sender learns; it finishes those calls.
    const bool in_flight = call->end_in_queue <= taken && call->end_in_queue > taken - sender_.bytes_in_flight();
    if (!in_flight) finished.push_back(call);
  }
  for (PendingCall* call : finished) {
    calls_.erase(call->id);
    call->unserved = !IsSent(*call);
    Finish(*call, absl::UnavailableError(absl::StrCat(name_, ": the connection was lost: ", goodbye_)));
  }
  sender_.queue().Clear();
}

void SeqpacketConnection::Cancel(PendingCall& call) {
  internal::MutexLock lock(mutex_);
  call.cancelled = true;
  call.wake.Signal();
  if (reading_) SignalWakeEvent(wake_event_.get());
}

}  // namespace udsrpc

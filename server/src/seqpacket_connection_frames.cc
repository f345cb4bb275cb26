#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/src/call_errors.h"
#include "common/src/deadline.h"
#include "common/src/wire/limits.h"
#include "common/src/wire/metadata_block.h"
#include "server/src/dispatch.h"
#include "server/src/seqpacket_connection.h"
#include "server/src/seqpacket_transport.h"

// What comes in on a connection: frames become calls, and go to the calls that they are about.

namespace udsrpc {
namespace {

// Calls open at once on one connection. HTTP/2 servers say 100 and more; local clients with callbacks keep thousands.
constexpr uint32_t kMaxCalls = 16384;

// Requests longer than their credit that are received at a time, on one connection, while their handlers wait for their
// ends: so many times the limit of a message may be kept for them. Others wait for their turn with what credit they
// have.
constexpr size_t kLongRequests = 4;

}  // namespace

absl::Status SeqpacketServerConnection::OnPacket(absl::string_view packet, const PacketBuffer& buffer, Tasks& tasks) {
  for (wire::PacketReader reader(packet); !reader.done();) {
    const absl::StatusOr<wire::RawFrame> frame = reader.Next();
    if (!frame.ok()) return frame.status();
    if (absl::Status status = OnFrame(*frame, buffer, tasks); !status.ok()) return status;
    if (closed_) return absl::OkStatus();
  }
  QueueConnectionCredit();
  return fd_receiver_ == nullptr ? absl::OkStatus() : fd_receiver_->EndPacket();
}

absl::Status SeqpacketServerConnection::OnFrame(const wire::RawFrame& frame, const PacketBuffer& buffer, Tasks& tasks) {
  const auto type = static_cast<wire::FrameType>(frame.header.type);
  if (!greeted_ && type != wire::FrameType::kHello) {
    return absl::InvalidArgumentError(absl::StrCat(frame.header.ToString(), ": it came before HELLO"));
  }
  switch (type) {
    case wire::FrameType::kCall:
      return OnCall(frame, buffer, tasks);
    case wire::FrameType::kMessage:
      return OnMessage(frame, buffer, tasks);
    case wire::FrameType::kHalfClose:
      return OnHalfClose(frame, tasks);
    case wire::FrameType::kCredit:
      return OnCredit(frame);
    case wire::FrameType::kCancel:
      return OnCancel(frame, tasks);
    case wire::FrameType::kHello:
      return OnHello(frame);
    case wire::FrameType::kPing:
      return OnPing(frame);
    case wire::FrameType::kGoaway:
      // The client will close; until then its calls are answered.
      return wire::GoawayFrame::Parse(frame).status();
    case wire::FrameType::kInitial:
    case wire::FrameType::kStatus:
      return absl::InvalidArgumentError(absl::StrCat(frame.header.ToString(), ": only a server sends it"));
  }
  if ((frame.header.type & wire::kIgnorableBit) != 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(frame.header.ToString(), ": its type is unknown"));
}

absl::Status SeqpacketServerConnection::OnHello(const wire::RawFrame& frame) {
  if (greeted_) return absl::InvalidArgumentError("HELLO: it came twice");
  const absl::StatusOr<wire::HelloFrame> hello = wire::HelloFrame::Parse(frame);
  if (!hello.ok()) return hello.status();
  greeted_ = true;
  client_max_metadata_ = hello->max_metadata;
  client_max_fds_ = hello->max_fds;
  const ServerOptions& options = transport_.options();
  sender_.queue().AppendFrame(wire::HelloFrame{.version = wire::kVersion,
                                               .min_version = wire::kVersion,
                                               .features = 0,
                                               .max_calls = kMaxCalls,
                                               .max_metadata = wire::ClampLimit(options.max_metadata_bytes),
                                               .max_message = options.max_receive_message_bytes,
                                               .max_fds = FdReceiver::Announced(options.max_receive_fds)});
  if (hello->version == wire::kVersion) {
    if (bids_farewell_) QueueFarewell();
    return absl::OkStatus();
  }
  // The frames behind it are in a version that this server does not read.
  QueueGoaway(wire::GoawayReason::kVersion,
              absl::StrCat("the client speaks version ", hello->version, " and this server ", wire::kVersion));
  CloseLocked();
  return absl::OkStatus();
}

absl::Status SeqpacketServerConnection::OnCall(const wire::RawFrame& frame, const PacketBuffer& buffer, Tasks& tasks) {
  const absl::StatusOr<wire::CallFrame> call = wire::CallFrame::Parse(frame);
  if (!call.ok()) return call.status();
  if (calls_.contains(call->call)) {
    return absl::InvalidArgumentError(absl::StrCat(frame.header.ToString(), ": a call of that number is open"));
  }
  ResolvedMethod resolved;
  if (absl::Status status = ResolveMethod(*call, resolved); !status.ok()) return status;
  Metadata metadata;
  if (absl::Status status = wire::ParseMetadata(call->metadata, metadata); !status.ok()) return status;
  MessageFds fds;
  if (absl::Status status = ClaimFds(fd_receiver_.get(), call->fds, fds); !status.ok()) return status;

  bool refused = false;
  User::Share in_flight;
  absl::Status admitted = Admit(*call, metadata, &in_flight, &refused);
  if (admitted.ok() && resolved.method == nullptr) admitted = resolved.unknown;
  if (admitted.ok() && !fds.lost.ok()) {
    admitted = absl::ResourceExhaustedError(absl::StrCat(resolved.method->path(), ": ", fds.lost.message()));
  }
  User::Held held;
  if (admitted.ok() && !caller_->user().HoldBytes(held, call->message.size())) {
    admitted = absl::ResourceExhaustedError(absl::StrCat(resolved.method->path(), ": ", caller_->TooManyBytesText()));
  }
  if (!admitted.ok()) {
    RecordRefused(*call, resolved, admitted);
    QueueAnswer(Answer(call->call, admitted, refused));
    return absl::OkStatus();
  }
  Deadline deadline;
  if (call->timeout_us) {
    if (!received_) received_ = Deadline::Clock::now();
    deadline = Deadline::AfterMicroseconds(*call->timeout_us, *received_);
  }
  auto task = std::make_unique<SeqpacketServerCall>(Self(), call->call, *resolved.method, *resolved.pace, deadline,
                                                    std::move(metadata), transport_.options().max_receive_message_bytes,
                                                    std::move(in_flight));
  task->record().Begin(transport_.methods().monitor(), *resolved.counters, resolved.method->path(), caller_.get(),
                       received_ticks_);
  SeqpacketServerCall::Flow& flow = task->flow();
  flow.half_closed = call->half_close;
  flow.held = std::move(held);
  calls_.emplace(call->call, task.get());
  ++unfinished_calls_;
  transport_.OnCallStarted();
  if (!ReadsOneRequest(resolved.method->kind())) {
    if (call->has_message) flow.inbound.OnInlineMessage(call->message, buffer, &fds);
    tasks.push_back(std::move(task));
  } else if (call->has_message) {
    task->SetRequest(buffer, call->message, std::move(fds.fds));
    tasks.push_back(std::move(task));
  } else {
    task->CancelAtDeadline();  // no handler looks
    receiving_.emplace(call->call, std::move(task));
    MayDispatch(call->call, tasks);
  }
  return absl::OkStatus();
}

void SeqpacketServerConnection::RecordRefused(const wire::CallFrame& call, const ResolvedMethod& resolved,
                                              const absl::Status& status) {
  absl::string_view path = call.path;
  if (resolved.method != nullptr) {
    path = resolved.method->path();
  } else if (path.empty()) {
    path = methods_[call.method - 1].unknown_path;
  }
  CallRecord record;
  record.Begin(transport_.methods().monitor(), *resolved.counters, path, caller_.get(), received_ticks_);
  record.End(status.code(), status.message());
}

void SeqpacketServerConnection::MayDispatch(uint32_t id, Tasks& tasks) {
  const auto found = receiving_.find(id);
  if (found == receiving_.end()) return;
  const SeqpacketServerCall::Flow& flow = found->second->flow();
  if (!flow.inbound.HasWholeMessage() && !flow.half_closed && flow.inbound.exhausted().ok() &&
      found->second->Wanted().ok()) {
    if (flow.inbound.InLongMessage()) ReceiveLongRequest(id);
    return;
  }
  // Without a request, as when it is cancelled, it ends at once.
  tasks.push_back(std::move(found->second));
  receiving_.erase(found);
  // Another's turn may have come.
  const auto turn = std::find(long_requests_.begin(), long_requests_.end(), id);
  if (turn == long_requests_.end()) return;
  long_requests_.erase(turn);
  if (long_requests_.size() >= kLongRequests) ReceiveLongRequest(long_requests_[kLongRequests - 1]);
}

void SeqpacketServerConnection::ReceiveLongRequest(uint32_t id) {
  const auto turn = std::find(long_requests_.begin(), long_requests_.end(), id);
  const auto index = static_cast<size_t>(turn - long_requests_.begin());
  if (turn == long_requests_.end()) long_requests_.push_back(id);
  if (index >= kLongRequests) return;
  SeqpacketServerCall& call = *calls_.find(id)->second;
  call.flow().inbound.ReleaseAtOnce();
  GiveCredit(call);
}

absl::Status SeqpacketServerConnection::OnMessage(const wire::RawFrame& frame, const PacketBuffer& buffer,
                                                  Tasks& tasks) {
  const absl::StatusOr<wire::MessageFrame> message = wire::MessageFrame::Parse(frame);
  if (!message.ok()) return message.status();
  if (absl::Status status = receive_credit_.Use(frame.header.size); !status.ok()) return status;
  receive_credit_.Release(frame.header.size);
  MessageFds fds;
  if (absl::Status status = ClaimFds(fd_receiver_.get(), message->fds, fds); !status.ok()) return status;
  // One that is not open crossed its STATUS on the way.
  const auto found = calls_.find(message->call);
  if (found == calls_.end()) return absl::OkStatus();
  SeqpacketServerCall& call = *found->second;
  SeqpacketServerCall::Flow& flow = call.flow();
  if (flow.half_closed) {
    return absl::InvalidArgumentError(absl::StrCat(frame.header.ToString(), ": it came behind the half-close"));
  }
  absl::Status status = flow.inbound.OnMessage(*message, frame.header.size, buffer, &fds);
  flow.half_closed = message->half_close;
  CountKept(call);
  if (flow.inbound.KeepsLongMessage()) receive_credit_.Widen(wire::kLongMessageConnectionCredit);
  GiveCredit(call);
  Changed(call);
  MayDispatch(message->call, tasks);
  return status;
}

absl::Status SeqpacketServerConnection::OnHalfClose(const wire::RawFrame& frame, Tasks& tasks) {
  const absl::StatusOr<wire::HalfCloseFrame> half_close = wire::HalfCloseFrame::Parse(frame);
  if (!half_close.ok()) return half_close.status();
  const auto found = calls_.find(half_close->call);
  if (found == calls_.end()) return absl::OkStatus();
  SeqpacketServerCall::Flow& flow = found->second->flow();
  if (std::exchange(flow.half_closed, true) || !flow.inbound.AtMessageEnd()) {
    return absl::InvalidArgumentError(absl::StrCat(frame.header.ToString(), ": it came twice, or within a message"));
  }
  Changed(*found->second);
  MayDispatch(half_close->call, tasks);
  return absl::OkStatus();
}

absl::Status SeqpacketServerConnection::OnCredit(const wire::RawFrame& frame) {
  const absl::StatusOr<wire::CreditFrame> credit = wire::CreditFrame::Parse(frame);
  if (!credit.ok()) return credit.status();
  if (credit->call == 0) {
    if (absl::Status status = send_credit_.Add(credit->bytes); !status.ok()) return status;
    SignalNextWriter();
    return absl::OkStatus();
  }
  const auto found = calls_.find(credit->call);
  if (found == calls_.end()) return absl::OkStatus();
  if (absl::Status status = found->second->flow().credit.Add(credit->bytes); !status.ok()) return status;
  Changed(*found->second);
  return absl::OkStatus();
}

absl::Status SeqpacketServerConnection::ResolveMethod(const wire::CallFrame& call, ResolvedMethod& resolved) {
  const MethodTable& table = transport_.methods();
  if (call.path.empty()) {
    if (call.method > methods_.size()) {
      return absl::InvalidArgumentError(absl::StrCat("CALL: method number ", call.method, " was never given a path"));
    }
    const NumberedMethod& numbered = methods_[call.method - 1];
    resolved.method = numbered.method;
    resolved.pace = numbered.pace;
    resolved.counters = numbered.counters;
    if (numbered.method == nullptr) resolved.unknown = table.NotFound(numbered.unknown_path);
    return absl::OkStatus();
  }
  resolved.method = table.Find(call.path);
  resolved.counters = &table.monitor().CountersOf(resolved.method);
  if (resolved.method != nullptr) {
    resolved.pace = &table.PaceOf(*resolved.method);
  } else {
    resolved.unknown = table.NotFound(call.path);
  }
  if (call.method == 0) return absl::OkStatus();
  if (call.method != methods_.size() + 1 || call.method > wire::kMaxMethodNumbers) {
    return absl::InvalidArgumentError(absl::StrCat("CALL: method number ", call.method, " is not the next one, ",
                                                   methods_.size() + 1, ", or over the limit of ",
                                                   wire::kMaxMethodNumbers));
  }
  methods_.push_back(NumberedMethod{.method = resolved.method,
                                    .pace = resolved.pace,
                                    .counters = resolved.counters,
                                    .unknown_path = resolved.method != nullptr ? "" : std::string(call.path)});
  return absl::OkStatus();
}

absl::Status SeqpacketServerConnection::Admit(const wire::CallFrame& call, const Metadata& metadata,
                                              User::Share* in_flight, bool* refused) {
  const ServerOptions& options = transport_.options();
  if (absl::Status status = caller_->BeginCall(in_flight); !status.ok()) return status;
  if (draining_) {
    *refused = true;
    return absl::UnavailableError("the server is shutting down; call again, on a new connection");
  }
  if (unfinished_calls_ >= kMaxCalls) {
    *refused = true;
    return absl::ResourceExhaustedError(
        absl::StrCat("this connection has ", kMaxCalls, " calls open, the server's limit; wait for some to end"));
  }
  if (metadata.ByteSize() > options.max_metadata_bytes) {
    return ClientMetadataError(metadata.ByteSize(), options.max_metadata_bytes);
  }
  if (call.message.size() > options.max_receive_message_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the request of ", call.message.size(), " bytes is over the server's limit of ",
        options.max_receive_message_bytes, "; send less, or raise ServerOptions::max_receive_message_bytes"));
  }
  return absl::OkStatus();
}

absl::Status SeqpacketServerConnection::OnCancel(const wire::RawFrame& frame, Tasks& tasks) {
  const absl::StatusOr<wire::CancelFrame> cancel = wire::CancelFrame::Parse(frame);
  if (!cancel.ok()) return cancel.status();
  const auto found = calls_.find(cancel->call);
  if (found == calls_.end()) return absl::OkStatus();
  CancelCall(*found->second);
  MayDispatch(cancel->call, tasks);
  return absl::OkStatus();
}

absl::Status SeqpacketServerConnection::OnPing(const wire::RawFrame& frame) {
  absl::StatusOr<wire::PingFrame> ping = wire::PingFrame::Parse(frame);
  if (!ping.ok()) return ping.status();
  if (ping->ack) {
    if (bids_farewell_) OnFarewellAnswered(ping->token);
    return absl::OkStatus();
  }
  ping->ack = true;
  ControlQueue().AppendFrame(*ping);
  return absl::OkStatus();
}

}  // namespace udsrpc

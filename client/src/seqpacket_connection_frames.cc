#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/src/seqpacket_connection.h"
#include "common/src/call_errors.h"
#include "common/src/status_details.h"
#include "common/src/wire/limits.h"
#include "common/src/wire/metadata_block.h"

// What comes in on a connection: frame by frame, to the calls that they are about.

namespace udsrpc {
namespace {

// Of what a server that has said goodbye is sent, above which it gets no answers: twice what calls may queue.
constexpr size_t kMaxQueuedWithAnswers = 2 << 20;

}  // namespace

void SeqpacketConnection::OnPacket(absl::string_view packet, const PacketBuffer& buffer) {
  absl::Status status;
  for (wire::PacketReader reader(packet); !reader.done() && status.ok();) {
    const absl::StatusOr<wire::RawFrame> frame = reader.Next();
    status = frame.ok() ? OnFrame(*frame, buffer) : frame.status();
  }
  if (status.ok() && fd_receiver_ != nullptr) status = fd_receiver_->EndPacket();
  // Replies in front of a malformed frame are as good as any.
  const absl::Status replies = TakeReplies();
  status.Update(replies);
  if (!status.ok()) return Reject(status.message());
  if (const uint32_t bytes = receive_credit_.Grant(); bytes > 0) {
    sender_.control().AppendFrame(wire::CreditFrame{.call = 0, .bytes = bytes});
  }
  if (!sender_.control().empty() || std::exchange(answers_in_order_, false)) Flush();
}

absl::Status SeqpacketConnection::OnFrame(const wire::RawFrame& frame, const PacketBuffer& buffer) {
  const auto type = static_cast<wire::FrameType>(frame.header.type);
  if (!greeted_ && type != wire::FrameType::kHello && type != wire::FrameType::kGoaway) {
    return absl::InvalidArgumentError(absl::StrCat(frame.header.ToString(), ": it came before HELLO"));
  }
  switch (type) {
    case wire::FrameType::kHello:
      return OnHello(frame);
    case wire::FrameType::kGoaway:
      return OnGoaway(frame);
    case wire::FrameType::kPing:
      return OnPing(frame);
    case wire::FrameType::kCredit:
      return OnCredit(frame);
    case wire::FrameType::kInitial:
      return OnInitial(frame);
    case wire::FrameType::kMessage:
      return OnMessage(frame, buffer);
    case wire::FrameType::kStatus:
      return OnStatus(frame);
    case wire::FrameType::kCall:
    case wire::FrameType::kHalfClose:
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
  max_calls_ = std::clamp<uint32_t>(hello->max_calls, 1, kMaxCalls);
  server_max_fds_ = hello->max_fds;
  EndWaitForHello();
  return absl::OkStatus();
}

absl::Status SeqpacketConnection::OnGoaway(const wire::RawFrame& frame) {
  const absl::StatusOr<wire::GoawayFrame> goaway = wire::GoawayFrame::Parse(frame);
  if (!goaway.ok()) return goaway.status();
  going_away_ = true;
  goodbye_ = absl::StrCat("the server said goodbye: ", goaway->text);
  EndOpening();
  return absl::OkStatus();
}

absl::Status SeqpacketConnection::OnPing(const wire::RawFrame& frame) {
  absl::StatusOr<wire::PingFrame> ping = wire::PingFrame::Parse(frame);
  if (!ping.ok() || ping->ack) return ping.status();
  const size_t unsent = going_away_ ? sender_.queue().bytes() : sender_.control().bytes();
  const size_t most = going_away_ ? kMaxQueuedWithAnswers : wire::kMaxPacketBytes;
  if (unsent > most) {
    return absl::InvalidArgumentError("PING: the server asks and does not read the answers");
  }
  ping->ack = true;
  if (going_away_) {
    // The server wants to know when it has all calls that were opened before its GOAWAY was read.
    sender_.queue().AppendFrame(*ping);
    answers_in_order_ = true;
  } else {
    sender_.control().AppendFrame(*ping);
  }
  return absl::OkStatus();
}

absl::StatusOr<SeqpacketCall*> SeqpacketConnection::FindCall(const wire::RawFrame& frame) {
  const auto found = calls_.find(frame.header.call);
  if (found != calls_.end() && IsSent(*found->second)) return found->second;
  if (abandoned_.contains(frame.header.call)) return nullptr;
  return absl::InvalidArgumentError(absl::StrCat(frame.header.ToString(), ": there is no such call"));
}

absl::Status SeqpacketConnection::OnCredit(const wire::RawFrame& frame) {
  const absl::StatusOr<wire::CreditFrame> credit = wire::CreditFrame::Parse(frame);
  if (!credit.ok()) return credit.status();
  if (credit->call == 0) {
    if (absl::Status status = send_credit_.Add(credit->bytes); !status.ok()) return status;
    WakeNextWriter();
    return absl::OkStatus();
  }
  const absl::StatusOr<SeqpacketCall*> call = FindCall(frame);
  if (!call.ok()) return call.status();
  if (*call == nullptr) return absl::OkStatus();
  if (absl::Status status = (*call)->credit.Add(credit->bytes); !status.ok()) return status;
  Wake(**call);
  return absl::OkStatus();
}

absl::Status SeqpacketConnection::OnInitial(const wire::RawFrame& frame) {
  const absl::StatusOr<wire::InitialFrame> initial = wire::InitialFrame::Parse(frame);
  if (!initial.ok()) return initial.status();
  const absl::StatusOr<SeqpacketCall*> found = FindCall(frame);
  if (!found.ok()) return found.status();
  if (*found == nullptr) return absl::OkStatus();
  SeqpacketCall& call = **found;
  if (call.initial_metadata_known) {
    return absl::InvalidArgumentError(absl::StrCat(frame.header.ToString(), ": it came twice, or late"));
  }
  Metadata& metadata = ActiveCall::InitialMetadata(call.context);
  if (absl::Status status = wire::ParseMetadata(initial->metadata, metadata); !status.ok()) return status;
  call.initial_metadata_known = true;
  Wake(call);
  if (absl::Status status = CheckMetadata(call, metadata); !status.ok()) EndLocked(call, std::move(status));
  return absl::OkStatus();
}

absl::Status SeqpacketConnection::OnMessage(const wire::RawFrame& frame, const PacketBuffer& buffer) {
  const absl::StatusOr<wire::MessageFrame> message = wire::MessageFrame::Parse(frame);
  if (!message.ok()) return message.status();
  if (message->half_close) return absl::InvalidArgumentError("MESSAGE: only a client half-closes");
  if (absl::Status status = receive_credit_.Use(frame.header.size); !status.ok()) return status;
  receive_credit_.Release(frame.header.size);
  MessageFds fds;
  if (absl::Status status = ClaimFds(fd_receiver_.get(), message->fds, fds); !status.ok()) return status;
  const absl::StatusOr<SeqpacketCall*> found = FindCall(frame);
  if (!found.ok()) return found.status();
  if (*found == nullptr) return absl::OkStatus();
  SeqpacketCall& call = **found;
  absl::Status status = call.inbound.OnMessage(*message, frame.header.size, buffer, &fds);
  call.initial_metadata_known = true;
  if (call.inbound.KeepsLongMessage()) receive_credit_.Widen(wire::kLongMessageConnectionCredit);
  GiveCredit(call);
  Wake(call);
  return status;
}

absl::Status SeqpacketConnection::CheckStatus(const SeqpacketCall& call, const wire::StatusFrame& status,
                                              const wire::RawFrame& frame) const {
  if (status.code == 0 && !call.inbound.AtMessageEnd()) {
    return absl::InvalidArgumentError(absl::StrCat(frame.header.ToString(), ": OK, within a message"));
  }
  // The call's thread may be reading the first into the response that a second would be read into.
  if (status.has_message && WritesOneResponse(call.kind) && call.inbound.HasWholeMessage()) {
    return absl::InvalidArgumentError(absl::StrCat(frame.header.ToString(), ": a second reply"));
  }
  if (call.initial_metadata_known && !status.initial_metadata.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(frame.header.ToString(), ": initial metadata comes twice, or late"));
  }
  return absl::OkStatus();
}

absl::Status SeqpacketConnection::OnStatus(const wire::RawFrame& frame) {
  absl::StatusOr<wire::StatusFrame> status = wire::StatusFrame::Parse(frame);
  if (!status.ok()) return status.status();
  std::unique_ptr<MessageFds> fds;
  if (status->fds) {
    fds = std::make_unique<MessageFds>();
    if (absl::Status claimed = ClaimFds(fd_receiver_.get(), status->fds, *fds); !claimed.ok()) return claimed;
  }
  const absl::StatusOr<SeqpacketCall*> found = FindCall(frame);
  if (!found.ok()) return found.status();
  SeqpacketCall* call = *found;
  // A call whose STATUS breaks the protocol stays open, and ends with the connection.
  if (call != nullptr) {
    if (absl::Status checked = CheckStatus(*call, *status, frame); !checked.ok()) return checked;
  }
  abandoned_.erase(status->call);
  calls_.erase(status->call);
  if (waiting_for_room_ > 0) WakeAll();
  MayOpenNext();
  if (call == nullptr) return absl::OkStatus();
  if (!call->inbound.AtMessageEnd()) call->inbound.Discard();
  call->state = SeqpacketCall::State::kClaimed;
  replies_.push_back(Reply{.call = call, .frame = *status, .status = absl::OkStatus(), .fds = std::move(fds)});
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
    if (reply.call->unserved && !going_away_.exchange(true)) EndOpening();
    if (reply.status.ok() && reply.frame.has_message && reply.call->response == nullptr) {
      reply.call->inbound.OnInlineMessage(reply.frame.message, /*packet=*/{}, reply.fds.get());
    }
    Finish(*reply.call, std::move(reply.status));
  }
  replies_.clear();
  return malformed;
}

absl::Status SeqpacketConnection::ReadReply(Reply& reply, absl::Status& malformed) {
  const wire::StatusFrame& frame = reply.frame;
  SeqpacketCall& call = *reply.call;
  Metadata& initial = ActiveCall::InitialMetadata(call.context);
  Metadata& trailing = ActiveCall::TrailingMetadata(call.context);
  absl::Status parsed = wire::ParseMetadata(frame.initial_metadata, initial);
  parsed.Update(wire::ParseMetadata(frame.trailing_metadata, trailing));
  if (!parsed.ok()) {
    malformed.Update(parsed);
    return absl::UnavailableError(absl::StrCat(name_, ": the server broke the protocol: ", parsed.message()));
  }
  if (absl::Status status = CheckMetadata(call, initial); !status.ok()) return status;
  if (absl::Status status = CheckMetadata(call, trailing); !status.ok()) return status;
  if (frame.code != 0) return MakeStatus(static_cast<int>(frame.code), frame.status_message, frame.details);
  if (reply.fds != nullptr && !reply.fds->lost.ok()) {
    return absl::ResourceExhaustedError(absl::StrCat(call.path, ": ", reply.fds->lost.message()));
  }
  if (!frame.has_message) {
    if (call.response == nullptr || call.inbound.HasWholeMessage()) return absl::OkStatus();
    return MissingReplyError(call.path, name_);
  }
  if (call.response == nullptr) return absl::OkStatus();
  if (frame.message.size() > limits_.max_receive_message_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(call.path, ": the reply of ", frame.message.size(),
                                                     " bytes is over the limit of ", limits_.max_receive_message_bytes,
                                                     "; raise ChannelOptions::max_receive_message_bytes"));
  }
  if (!call.response->ParseFromArray(frame.message.data(), static_cast<int>(frame.message.size()))) {
    return MalformedMessageError(call.path, "the reply", *call.response);
  }
  ActiveCall::Sizes(call.context).OnReceived(frame.message.size());
  if (reply.fds != nullptr) ActiveCall::ReceiveFds(call.context, std::move(reply.fds->fds));
  return absl::OkStatus();
}

absl::Status SeqpacketConnection::CheckMetadata(const SeqpacketCall& call, const Metadata& metadata) const {
  const size_t bytes = metadata.ByteSize();
  if (bytes <= limits_.max_metadata_bytes) return absl::OkStatus();
  return ServerMetadataError(call.path, bytes, limits_.max_metadata_bytes);
}

}  // namespace udsrpc

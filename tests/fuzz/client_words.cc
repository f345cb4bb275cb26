#include "tests/fuzz/client_words.h"

#include <utility>

#include "common/src/wire/limits.h"
#include "common/src/wire/metadata_block.h"
#include "common/src/wire/stream_frame.h"
#include "tests/fuzz/check.h"

namespace udsrpc::fuzz {

void ClientWords::OnSent(absl::string_view packet) {
  for (wire::PacketReader reader(packet); !reader.done() && !broken_;) {
    const absl::StatusOr<wire::RawFrame> frame = reader.Next();
    broken_ = !frame.ok();
    if (frame.ok()) OnSentFrame(*frame);
  }
}

// What is an error ends the connection at the latest; so it only matters here what the client may say then.
void ClientWords::OnSentFrame(const wire::RawFrame& frame) {
  switch (static_cast<wire::FrameType>(frame.header.type)) {
    case wire::FrameType::kHello:
      if (const auto hello = wire::HelloFrame::Parse(frame); hello.ok() && !std::exchange(greeted_, true)) {
        max_fds_ = hello->max_fds;
      }
      break;
    case wire::FrameType::kPing:
      if (const auto ping = wire::PingFrame::Parse(frame); ping.ok() && !ping->ack) ++pings_;
      break;
    case wire::FrameType::kCredit: {
      const auto credit = wire::CreditFrame::Parse(frame);
      if (!credit.ok()) break;
      if (credit->call == 0) credit_ += credit->bytes;
      if (const auto call = calls_.find(credit->call); call != calls_.end()) call->second.messages.Add(credit->bytes);
      break;
    }
    case wire::FrameType::kStatus:
      if (const auto call = calls_.find(frame.header.call); call != calls_.end()) call->second.answered = true;
      break;
    default:
      break;
  }
}

void ClientWords::OnReceived(const RawEnd::Packet& packet) {
  size_t descriptors = packet.descriptors;
  wire::PacketReader reader(packet.bytes);
  while (!reader.done()) {
    const absl::StatusOr<wire::RawFrame> frame = reader.Next();
    FUZZ_CHECK(frame.ok());
    FUZZ_CHECK(!ended_);
    OnFrame(*frame, descriptors);
  }
  FUZZ_CHECK(descriptors == 0);
}

void ClientWords::OnFrame(const wire::RawFrame& frame, size_t& descriptors) {
  const auto type = static_cast<wire::FrameType>(frame.header.type);
  FUZZ_CHECK(said_hello_ == (type != wire::FrameType::kHello));
  switch (type) {
    case wire::FrameType::kHello: {
      const auto hello = wire::HelloFrame::Parse(frame);
      FUZZ_CHECK(hello.ok() && hello->max_calls == 0);
      said_hello_ = true;
      return;
    }
    case wire::FrameType::kGoaway: {
      const auto goaway = wire::GoawayFrame::Parse(frame);
      FUZZ_CHECK(goaway.ok() && goaway->text.size() <= wire::kMaxReasonBytes);
      ended_ = true;
      return;
    }
    case wire::FrameType::kPing: {
      const auto ping = wire::PingFrame::Parse(frame);
      FUZZ_CHECK(ping.ok());
      if (!ping->ack) return;
      FUZZ_CHECK(pings_ > 0);
      --pings_;
      return;
    }
    case wire::FrameType::kCredit: {
      const auto credit = wire::CreditFrame::Parse(frame);
      FUZZ_CHECK(credit.ok() && credit->bytes <= 4 * wire::kMaxPacketBytes);
      if (credit->call != 0) CallOf(credit->call);
      return;
    }
    case wire::FrameType::kCall: {
      const auto call = wire::CallFrame::Parse(frame);
      FUZZ_CHECK(call.ok());
      OnCall(*call);
      Claim(call->fds, descriptors);
      return;
    }
    case wire::FrameType::kMessage: {
      const auto message = wire::MessageFrame::Parse(frame);
      FUZZ_CHECK(message.ok());
      FUZZ_CHECK(frame.header.size <= credit_);
      credit_ -= frame.header.size;
      Call& call = CallOf(message->call);
      FUZZ_CHECK(!call.half_closed);
      call.messages.OnMessage(*message, frame.header.size);
      call.half_closed = message->half_close;
      Claim(message->fds, descriptors);
      return;
    }
    case wire::FrameType::kHalfClose: {
      const auto half_close = wire::HalfCloseFrame::Parse(frame);
      FUZZ_CHECK(half_close.ok());
      Call& call = CallOf(half_close->call);
      FUZZ_CHECK(!std::exchange(call.half_closed, true) && !call.messages.in_message());
      return;
    }
    case wire::FrameType::kCancel: {
      const auto cancel = wire::CancelFrame::Parse(frame);
      FUZZ_CHECK(cancel.ok() && cancel->code >= 1 && cancel->code <= 16);
      CallOf(cancel->call);
      return;
    }
    case wire::FrameType::kInitial:
    case wire::FrameType::kStatus:
      break;
  }
  FUZZ_CHECK(!"a frame that a client does not send");
}

void ClientWords::OnCall(const wire::CallFrame& call) {
  const auto found = calls_.find(call.call);
  FUZZ_CHECK(found == calls_.end() || found->second.answered);
  calls_[call.call] = Call{.messages = {}, .half_closed = call.half_close};
  Metadata metadata;
  FUZZ_CHECK(wire::ParseMetadata(call.metadata, metadata).ok());
  if (call.path.empty()) return FUZZ_CHECK(call.method >= 1 && call.method <= numbered_);
  if (call.method != 0) FUZZ_CHECK(call.method == ++numbered_ && numbered_ <= wire::kMaxMethodNumbers);
}

ClientWords::Call& ClientWords::CallOf(uint32_t id) {
  const auto found = calls_.find(id);
  FUZZ_CHECK(found != calls_.end());
  return found->second;
}

void ClientWords::Claim(const std::optional<uint16_t>& fds, size_t& descriptors) const {
  if (!fds) return;
  FUZZ_CHECK(*fds <= max_fds_ && *fds <= descriptors);
  descriptors -= *fds;
}

}  // namespace udsrpc::fuzz

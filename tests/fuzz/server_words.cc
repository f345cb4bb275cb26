#include "tests/fuzz/server_words.h"

#include <algorithm>
#include <utility>

#include "common/src/wire/limits.h"
#include "common/src/wire/metadata_block.h"
#include "tests/fuzz/check.h"

namespace udsrpc::fuzz {

void ServerWords::OnSent(absl::string_view packet) {
  for (wire::PacketReader reader(packet); !reader.done() && !broken_;) {
    const absl::StatusOr<wire::RawFrame> frame = reader.Next();
    broken_ = !frame.ok();
    if (frame.ok()) OnSentFrame(*frame);
  }
}

// What is an error ends the connection at the latest; so it only matters here what the server may answer.
void ServerWords::OnSentFrame(const wire::RawFrame& frame) {
  switch (static_cast<wire::FrameType>(frame.header.type)) {
    case wire::FrameType::kHello:
      if (const auto hello = wire::HelloFrame::Parse(frame); hello.ok() && !std::exchange(greeted_, true)) {
        max_fds_ = hello->max_fds;
      }
      break;
    case wire::FrameType::kPing:
      if (const auto ping = wire::PingFrame::Parse(frame); ping.ok() && !ping->ack) ++pings_;
      break;
    case wire::FrameType::kCredit:
      if (const auto credit = wire::CreditFrame::Parse(frame); credit.ok() && credit->call == 0) {
        credit_ += credit->bytes;
        given_ += credit->bytes;
      } else if (credit.ok()) {
        for (Call& call : calls_[credit->call]) {
          call.messages.Add(credit->bytes);
          call.given += credit->bytes;
        }
      }
      break;
    case wire::FrameType::kCall: {
      const auto call = wire::CallFrame::Parse(frame);
      if (!call.ok()) break;
      std::optional<MethodKind> kind;
      if (!call->path.empty()) {
        kind = kind_of_(call->path);
        if (call->method == numbered_.size() + 1) numbered_.push_back(kind);
      } else if (call->method > 0 && call->method <= numbered_.size()) {
        kind = numbered_[call->method - 1];
      }
      calls_[call->call].push_back(Call{.kind = kind, .messages = {}});
      break;
    }
    default:
      break;
  }
}

void ServerWords::OnReceived(const RawEnd::Packet& packet) {
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

void ServerWords::OnFrame(const wire::RawFrame& frame, size_t& descriptors) {
  const auto type = static_cast<wire::FrameType>(frame.header.type);
  FUZZ_CHECK(said_hello_ || type == wire::FrameType::kHello || type == wire::FrameType::kGoaway);
  switch (type) {
    case wire::FrameType::kHello: {
      FUZZ_CHECK(greeted_ && !std::exchange(said_hello_, true));
      FUZZ_CHECK(wire::HelloFrame::Parse(frame).ok());
      return;
    }
    case wire::FrameType::kGoaway: {
      const auto goaway = wire::GoawayFrame::Parse(frame);
      FUZZ_CHECK(goaway.ok() && goaway->text.size() <= wire::kMaxReasonBytes);
      ended_ = goaway->reason != static_cast<uint32_t>(wire::GoawayReason::kShutdown);
      said_goodbye_ = true;
      return;
    }
    case wire::FrameType::kPing: {
      const auto ping = wire::PingFrame::Parse(frame);
      FUZZ_CHECK(ping.ok());
      if (!ping->ack) return FUZZ_CHECK(said_goodbye_);
      FUZZ_CHECK(pings_ > 0);
      --pings_;
      return;
    }
    case wire::FrameType::kCredit: {
      const auto credit = wire::CreditFrame::Parse(frame);
      FUZZ_CHECK(credit.ok() && credit->bytes <= 4 * wire::kMaxPacketBytes);
      if (credit->call != 0) OpenCall(credit->call);
      return;
    }
    case wire::FrameType::kInitial: {
      const auto initial = wire::InitialFrame::Parse(frame);
      FUZZ_CHECK(initial.ok());
      Metadata metadata;
      FUZZ_CHECK(wire::ParseMetadata(initial->metadata, metadata).ok());
      FUZZ_CHECK(!std::exchange(OpenCall(initial->call).initial_sent, true));
      return;
    }
    case wire::FrameType::kMessage: {
      const auto message = wire::MessageFrame::Parse(frame);
      FUZZ_CHECK(message.ok() && !message->half_close);
      FUZZ_CHECK(frame.header.size <= credit_);
      credit_ -= frame.header.size;
      Call& call = OpenCall(message->call);
      call.initial_sent = true;
      call.messages.OnMessage(*message, frame.header.size);
      Claim(message->fds, descriptors);
      return;
    }
    case wire::FrameType::kStatus: {
      const auto status = wire::StatusFrame::Parse(frame);
      FUZZ_CHECK(status.ok());
      OnStatus(*status);
      Claim(status->fds, descriptors);
      return;
    }
    case wire::FrameType::kCall:
    case wire::FrameType::kHalfClose:
    case wire::FrameType::kCancel:
      break;
  }
  FUZZ_CHECK(!"a frame that a server does not send");
}

void ServerWords::OnStatus(const wire::StatusFrame& status) {
  const Call& call = OpenCall(status.call);
  Metadata metadata;
  FUZZ_CHECK(wire::ParseMetadata(status.initial_metadata, metadata).ok());
  FUZZ_CHECK(wire::ParseMetadata(status.trailing_metadata, metadata).ok());
  FUZZ_CHECK(status.initial_metadata.empty() || !call.initial_sent);
  FUZZ_CHECK(status.code <= 16);
  FUZZ_CHECK(!status.has_message || status.code == 0);
  if (status.code == 0) {
    FUZZ_CHECK(call.kind.has_value() && !status.refused);
    FUZZ_CHECK(!call.messages.in_message());
    if (WritesOneResponse(*call.kind)) FUZZ_CHECK(call.messages.messages() + (status.has_message ? 1 : 0) == 1);
  }
  std::deque<Call>& same = calls_[status.call];
  same.pop_front();
  if (same.empty()) calls_.erase(status.call);
  ++statuses_;
}

ServerWords::Call& ServerWords::OpenCall(uint32_t id) {
  const auto found = calls_.find(id);
  FUZZ_CHECK(found != calls_.end() && !found->second.empty());
  return found->second.front();
}

void ServerWords::Claim(const std::optional<uint16_t>& fds, size_t& descriptors) const {
  if (!fds) return;
  FUZZ_CHECK(*fds <= max_fds_ && *fds <= descriptors);
  descriptors -= *fds;
}

std::vector<uint32_t> ServerWords::OpenCalls() const {
  std::vector<uint32_t> open;
  for (const auto& [id, calls] : calls_) open.insert(open.end(), calls.size(), id);
  return open;
}

bool ServerWords::MayGive(uint32_t call, uint32_t credit) const {
  uint64_t given = call == 0 ? given_ + wire::kInitialConnectionCredit : 0;
  if (const auto found = calls_.find(call); found != calls_.end()) {
    for (const Call& one : found->second) given = std::max(given, one.given + wire::kInitialCallCredit);
  }
  return given + credit <= wire::kMaxCredit;
}

}  // namespace udsrpc::fuzz

#include "common/src/wire/frame.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/src/wire/byte_order.h"
#include "common/src/wire/frame_fields.h"
#include "common/src/wire/limits.h"

namespace udsrpc::wire {
namespace {

constexpr absl::string_view kMagic = "UDSRPC\r\n";

// Of HELLO's features.
constexpr uint32_t kFeatureFds = 1 << 0;

constexpr uint8_t kPingAck = 0x01;

constexpr uint8_t kCallHalfClose = 0x01;
constexpr uint8_t kCallMessage = 0x02;
constexpr uint8_t kCallTimeout = 0x04;
constexpr uint8_t kCallPath = 0x08;
constexpr uint8_t kCallMetadata = 0x10;
constexpr uint8_t kCallFds = 0x20;

constexpr uint8_t kStatusMessage = 0x01;
constexpr uint8_t kStatusError = 0x02;
constexpr uint8_t kStatusInitialMetadata = 0x04;
constexpr uint8_t kStatusTrailingMetadata = 0x08;
constexpr uint8_t kStatusRefused = 0x10;
constexpr uint8_t kStatusFds = 0x20;

}  // namespace

absl::StatusOr<HelloFrame> HelloFrame::Parse(const RawFrame& frame) {
  if (absl::Status status = CheckHeader(frame, 0, /*about_call=*/false); !status.ok()) return status;
  ByteReader reader(frame.head);
  HelloFrame hello;
  absl::string_view magic;
  if (!reader.ReadBytes(kMagic.size(), magic) || magic != kMagic) {
    return Malformed(frame, "it does not begin with the protocol's magic");
  }
  if (!reader.Read(hello.version) || !reader.Read(hello.min_version) || !reader.Read(hello.features) ||
      !reader.Read(hello.max_calls) || !reader.Read(hello.max_metadata) || !reader.Read(hello.max_message)) {
    return CutHead(frame);
  }
  if (hello.min_version == 0 || hello.min_version > hello.version) {
    return Malformed(frame, absl::StrCat("versions ", hello.min_version, " to ", hello.version, " are no range"));
  }
  if ((hello.features & kFeatureFds) != 0) {
    hello.features &= ~kFeatureFds;
    if (!reader.Read(hello.max_fds)) return CutHead(frame);
    if (hello.max_fds == 0 || hello.max_fds > kMaxFds) {
      return Malformed(frame, absl::StrCat("it wants ", hello.max_fds, " descriptors a message, not 1 to ", kMaxFds));
    }
  }
  return hello;
}

size_t HelloFrame::HeadSize() const {
  return kMagic.size() + sizeof(version) + sizeof(min_version) + sizeof(features) + sizeof(max_calls) +
         sizeof(max_metadata) + sizeof(max_message) + (max_fds == 0 ? 0 : sizeof(max_fds));
}

FrameHeader HelloFrame::Header(size_t body_size) const { return MakeHeader(*this, FrameType::kHello, 0, 0, body_size); }

void HelloFrame::SerializeHead(char* out) const {
  ByteWriter writer(out);
  writer.WriteBytes(kMagic);
  writer.Write(version);
  writer.Write(min_version);
  writer.Write(features | (max_fds == 0 ? 0 : kFeatureFds));
  writer.Write(max_calls);
  writer.Write(max_metadata);
  writer.Write(max_message);
  if (max_fds != 0) writer.Write(max_fds);
}

absl::StatusOr<GoawayFrame> GoawayFrame::Parse(const RawFrame& frame) {
  if (absl::Status status = CheckHeader(frame, 0, /*about_call=*/false); !status.ok()) return status;
  GoawayFrame goaway{.text = frame.body.substr(0, kMaxReasonBytes)};
  if (!ByteReader(frame.head).Read(goaway.reason)) return CutHead(frame);
  return goaway;
}

size_t GoawayFrame::HeadSize() const { return sizeof(reason); }

FrameHeader GoawayFrame::Header(size_t body_size) const {
  return MakeHeader(*this, FrameType::kGoaway, 0, 0, body_size);
}

void GoawayFrame::SerializeHead(char* out) const { ByteWriter(out).Write(reason); }

absl::StatusOr<PingFrame> PingFrame::Parse(const RawFrame& frame) {
  if (absl::Status status = CheckHeader(frame, kPingAck, /*about_call=*/false); !status.ok()) return status;
  PingFrame ping{.ack = (frame.header.flags & kPingAck) != 0};
  if (!ByteReader(frame.head).Read(ping.token)) return CutHead(frame);
  return ping;
}

size_t PingFrame::HeadSize() const { return sizeof(token); }

FrameHeader PingFrame::Header(size_t body_size) const {
  return MakeHeader(*this, FrameType::kPing, ack ? kPingAck : 0, 0, body_size);
}

void PingFrame::SerializeHead(char* out) const { ByteWriter(out).Write(token); }

absl::StatusOr<CallFrame> CallFrame::Parse(const RawFrame& frame) {
  constexpr uint8_t kKnown = kCallHalfClose | kCallMessage | kCallTimeout | kCallPath | kCallMetadata | kCallFds;
  if (absl::Status status = CheckHeader(frame, kKnown, /*about_call=*/true); !status.ok()) return status;
  const uint8_t flags = frame.header.flags;
  CallFrame call{.call = frame.header.call,
                 .half_close = (flags & kCallHalfClose) != 0,
                 .has_message = (flags & kCallMessage) != 0,
                 .message = frame.body};
  ByteReader reader(frame.head);
  if (!reader.Read(call.method)) return CutHead(frame);
  if ((flags & kCallTimeout) != 0) {
    uint64_t timeout_us;
    if (!reader.Read(timeout_us)) return CutHead(frame);
    call.timeout_us = timeout_us;
  }
  if ((flags & kCallPath) != 0) {
    if (!reader.ReadSection(call.path)) return CutHead(frame);
    if (call.path.empty() || call.path.size() > kMaxMethodPathBytes) {
      return Malformed(frame, absl::StrCat("a method's path has 1 to ", kMaxMethodPathBytes, " bytes"));
    }
  } else if (call.method == 0) {
    return Malformed(frame, "it names no method: number 0 needs a path");
  }
  if ((flags & kCallMetadata) != 0 && !reader.ReadSection(call.metadata)) return CutHead(frame);
  if ((flags & kCallFds) != 0) {
    if (absl::Status status = ReadFds(frame, reader, call.fds); !status.ok()) return status;
  }
  if (!call.has_message && (!call.message.empty() || call.fds)) {
    return Malformed(frame, "it has a body, or descriptors, and no message");
  }
  return call;
}

size_t CallFrame::HeadSize() const {
  return sizeof(method) + (timeout_us ? sizeof(*timeout_us) : 0) + (path.empty() ? 0 : SectionSize(path)) +
         (metadata.empty() ? 0 : SectionSize(metadata)) + (fds ? sizeof(*fds) : 0);
}

FrameHeader CallFrame::Header(size_t body_size) const {
  const int flags = (half_close ? kCallHalfClose : 0) | (has_message ? kCallMessage : 0) |
                    (timeout_us ? kCallTimeout : 0) | (path.empty() ? 0 : kCallPath) |
                    (metadata.empty() ? 0 : kCallMetadata) | (fds ? kCallFds : 0);
  return MakeHeader(*this, FrameType::kCall, static_cast<uint8_t>(flags), call, body_size);
}

void CallFrame::SerializeHead(char* out) const {
  ByteWriter writer(out);
  writer.Write(method);
  if (timeout_us) writer.Write(*timeout_us);
  if (!path.empty()) writer.WriteSection(path);
  if (!metadata.empty()) writer.WriteSection(metadata);
  if (fds) writer.Write(*fds);
}

absl::StatusOr<CancelFrame> CancelFrame::Parse(const RawFrame& frame) {
  if (absl::Status status = CheckHeader(frame, 0, /*about_call=*/true); !status.ok()) return status;
  CancelFrame cancel{.call = frame.header.call};
  if (!ByteReader(frame.head).Read(cancel.code)) return CutHead(frame);
  return cancel;
}

size_t CancelFrame::HeadSize() const { return sizeof(code); }

FrameHeader CancelFrame::Header(size_t body_size) const {
  return MakeHeader(*this, FrameType::kCancel, 0, call, body_size);
}

void CancelFrame::SerializeHead(char* out) const { ByteWriter(out).Write(code); }

absl::StatusOr<StatusFrame> StatusFrame::Parse(const RawFrame& frame) {
  constexpr uint8_t kKnown =
      kStatusMessage | kStatusError | kStatusInitialMetadata | kStatusTrailingMetadata | kStatusRefused | kStatusFds;
  if (absl::Status status = CheckHeader(frame, kKnown, /*about_call=*/true); !status.ok()) return status;
  const uint8_t flags = frame.header.flags;
  StatusFrame result{.call = frame.header.call,
                     .has_message = (flags & kStatusMessage) != 0,
                     .refused = (flags & kStatusRefused) != 0,
                     .message = frame.body};
  ByteReader reader(frame.head);
  if ((flags & kStatusError) != 0) {
    if (!reader.Read(result.code) || !reader.ReadSection(result.status_message) ||
        !reader.ReadSection(result.details)) {
      return CutHead(frame);
    }
    if (result.code == 0) return Malformed(frame, "an error's code cannot be 0, which is OK");
  }
  if ((flags & kStatusInitialMetadata) != 0 && !reader.ReadSection(result.initial_metadata)) return CutHead(frame);
  if ((flags & kStatusTrailingMetadata) != 0 && !reader.ReadSection(result.trailing_metadata)) return CutHead(frame);
  if ((flags & kStatusFds) != 0) {
    if (absl::Status status = ReadFds(frame, reader, result.fds); !status.ok()) return status;
  }
  if (!result.has_message && (!result.message.empty() || result.fds)) {
    return Malformed(frame, "it has a body, or descriptors, and no message");
  }
  return result;
}

size_t StatusFrame::HeadSize() const {
  return (code == 0 ? 0 : sizeof(code) + SectionSize(status_message) + SectionSize(details)) +
         (initial_metadata.empty() ? 0 : SectionSize(initial_metadata)) +
         (trailing_metadata.empty() ? 0 : SectionSize(trailing_metadata)) + (fds ? sizeof(*fds) : 0);
}

FrameHeader StatusFrame::Header(size_t body_size) const {
  const int flags = (has_message ? kStatusMessage : 0) | (code == 0 ? 0 : kStatusError) |
                    (initial_metadata.empty() ? 0 : kStatusInitialMetadata) |
                    (trailing_metadata.empty() ? 0 : kStatusTrailingMetadata) | (refused ? kStatusRefused : 0) |
                    (fds ? kStatusFds : 0);
  return MakeHeader(*this, FrameType::kStatus, static_cast<uint8_t>(flags), call, body_size);
}

void StatusFrame::SerializeHead(char* out) const {
  ByteWriter writer(out);
  if (code != 0) {
    writer.Write(code);
    writer.WriteSection(status_message);
    writer.WriteSection(details);
  }
  if (!initial_metadata.empty()) writer.WriteSection(initial_metadata);
  if (!trailing_metadata.empty()) writer.WriteSection(trailing_metadata);
  if (fds) writer.Write(*fds);
}

}  // namespace udsrpc::wire

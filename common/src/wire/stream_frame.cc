#include "common/src/wire/stream_frame.h"

#include "common/src/wire/byte_order.h"
#include "common/src/wire/frame_fields.h"

namespace udsrpc::wire {
namespace {

constexpr uint8_t kHalfClose = 0x01;
constexpr uint8_t kMore = 0x02;
constexpr uint8_t kTotal = 0x04;
constexpr uint8_t kFds = 0x08;

}  // namespace

absl::StatusOr<MessageFrame> MessageFrame::Parse(const RawFrame& frame) {
  constexpr uint8_t kKnown = kHalfClose | kMore | kTotal | kFds;
  if (absl::Status status = CheckHeader(frame, kKnown, /*about_call=*/true); !status.ok()) return status;
  const uint8_t flags = frame.header.flags;
  MessageFrame message{.call = frame.header.call,
                       .half_close = (flags & kHalfClose) != 0,
                       .more = (flags & kMore) != 0,
                       .message = frame.body};
  ByteReader reader(frame.head);
  if ((flags & kTotal) != 0) {
    uint64_t total;
    if (!reader.Read(total)) return CutHead(frame);
    if (!message.more) return Malformed(frame, "it gives a total and is the message's only frame");
    message.total = total;
  }
  if ((flags & kFds) != 0) {
    if (absl::Status status = ReadFds(frame, reader, message.fds); !status.ok()) return status;
  }
  if (message.more && message.half_close) return Malformed(frame, "the client's last message goes on");
  return message;
}

size_t MessageFrame::HeadSize() const { return (total ? sizeof(*total) : 0) + (fds ? sizeof(*fds) : 0); }

FrameHeader MessageFrame::Header(size_t body_size) const {
  const int flags = (half_close ? kHalfClose : 0) | (more ? kMore : 0) | (total ? kTotal : 0) | (fds ? kFds : 0);
  return MakeHeader(*this, FrameType::kMessage, static_cast<uint8_t>(flags), call, body_size);
}

void MessageFrame::SerializeHead(char* out) const {
  ByteWriter writer(out);
  if (total) writer.Write(*total);
  if (fds) writer.Write(*fds);
}

absl::StatusOr<HalfCloseFrame> HalfCloseFrame::Parse(const RawFrame& frame) {
  if (absl::Status status = CheckHeader(frame, 0, /*about_call=*/true); !status.ok()) return status;
  return HalfCloseFrame{.call = frame.header.call};
}

FrameHeader HalfCloseFrame::Header(size_t body_size) const {
  return MakeHeader(*this, FrameType::kHalfClose, 0, call, body_size);
}

absl::StatusOr<InitialFrame> InitialFrame::Parse(const RawFrame& frame) {
  if (absl::Status status = CheckHeader(frame, 0, /*about_call=*/true); !status.ok()) return status;
  InitialFrame initial{.call = frame.header.call};
  if (!ByteReader(frame.head).ReadSection(initial.metadata)) return CutHead(frame);
  return initial;
}

size_t InitialFrame::HeadSize() const { return SectionSize(metadata); }

FrameHeader InitialFrame::Header(size_t body_size) const {
  return MakeHeader(*this, FrameType::kInitial, 0, call, body_size);
}

void InitialFrame::SerializeHead(char* out) const { ByteWriter(out).WriteSection(metadata); }

absl::StatusOr<CreditFrame> CreditFrame::Parse(const RawFrame& frame) {
  if (absl::Status status = CheckFlags(frame, 0); !status.ok()) return status;
  CreditFrame credit{.call = frame.header.call};
  if (!ByteReader(frame.head).Read(credit.bytes)) return CutHead(frame);
  if (credit.bytes == 0) return Malformed(frame, "credit of 0 bytes is none");
  return credit;
}

FrameHeader CreditFrame::Header(size_t body_size) const {
  return MakeHeader(*this, FrameType::kCredit, 0, call, body_size);
}

void CreditFrame::SerializeHead(char* out) const { ByteWriter(out).Write(bytes); }

}  // namespace udsrpc::wire

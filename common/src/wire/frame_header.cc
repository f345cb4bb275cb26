#include "common/src/wire/frame_header.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/src/wire/byte_order.h"

namespace udsrpc::wire {

absl::StatusOr<FrameHeader> FrameHeader::Parse(absl::string_view packet) {
  ByteReader reader(packet);
  FrameHeader header;
  if (!reader.Read(header.size) || !reader.Read(header.type) || !reader.Read(header.flags) ||
      !reader.Read(header.head_size) || !reader.Read(header.call)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a frame header has ", kBytes, " bytes, and ", packet.size(), " are left of the packet"));
  }
  if (header.size > packet.size()) {
    return absl::InvalidArgumentError(absl::StrCat(FrameTypeName(header.type), ": its size is ", header.size, ", and ",
                                                   packet.size(), " bytes are left of the packet"));
  }
  if (header.size < kBytes + header.head_size) {
    return absl::InvalidArgumentError(absl::StrCat(FrameTypeName(header.type), ": its size is ", header.size,
                                                   ", less than its header and a head of ", header.head_size));
  }
  return header;
}

void FrameHeader::Serialize(char* out) const {
  ByteWriter writer(out);
  writer.Write(size);
  writer.Write(type);
  writer.Write(flags);
  writer.Write(head_size);
  writer.Write(call);
}

std::string FrameHeader::ToString() const {
  return absl::StrFormat("%s call=%d flags=0x%02x size=%d head=%d", FrameTypeName(type), call, flags, size, head_size);
}

std::string FrameTypeName(uint8_t type) {
  switch (static_cast<FrameType>(type)) {
    case FrameType::kHello:
      return "HELLO";
    case FrameType::kGoaway:
      return "GOAWAY";
    case FrameType::kPing:
      return "PING";
    case FrameType::kCredit:
      return "CREDIT";
    case FrameType::kCall:
      return "CALL";
    case FrameType::kMessage:
      return "MESSAGE";
    case FrameType::kHalfClose:
      return "HALF_CLOSE";
    case FrameType::kCancel:
      return "CANCEL";
    case FrameType::kInitial:
      return "INITIAL";
    case FrameType::kStatus:
      return "STATUS";
  }
  return absl::StrFormat("frame type 0x%02x", type);
}

absl::StatusOr<RawFrame> PacketReader::Next() {
  absl::StatusOr<FrameHeader> header = FrameHeader::Parse(rest_);
  if (!header.ok()) return header.status();
  RawFrame frame{.header = *header,
                 .head = rest_.substr(FrameHeader::kBytes, header->head_size),
                 .body = rest_.substr(FrameHeader::kBytes + header->head_size,
                                      header->size - FrameHeader::kBytes - header->head_size)};
  rest_.remove_prefix(header->size);
  return frame;
}

}  // namespace udsrpc::wire

#ifndef UDSRPC_COMMON_WIRE_FRAME_FIELDS_H_
#define UDSRPC_COMMON_WIRE_FRAME_FIELDS_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "common/src/wire/byte_order.h"
#include "common/src/wire/frame_header.h"
#include "common/src/wire/limits.h"

// What the parsers and serializers of the frame types have in common.

namespace udsrpc::wire {

inline absl::Status Malformed(const RawFrame& frame, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(frame.header.ToString(), ": ", what));
}

inline absl::Status CutHead(const RawFrame& frame) { return Malformed(frame, "its head is too short for its fields"); }

inline absl::Status CheckFlags(const RawFrame& frame, uint8_t known_flags) {
  if ((frame.header.flags & ~known_flags) == 0) return absl::OkStatus();
  return Malformed(frame, absl::StrFormat("it has flags other than 0x%02x", known_flags));
}

// What most parsers check first: no flag that this version does not define, and a call where there must be one.
inline absl::Status CheckHeader(const RawFrame& frame, uint8_t known_flags, bool about_call) {
  if (absl::Status status = CheckFlags(frame, known_flags); !status.ok()) return status;
  if (about_call == (frame.header.call != 0)) return absl::OkStatus();
  return Malformed(frame,
                   about_call ? "it needs a call, and 0 is none" : "it is about the connection, so its call must be 0");
}

// The last field of a head that has it.
inline absl::Status ReadFds(const RawFrame& frame, ByteReader& reader, std::optional<uint16_t>& fds) {
  uint16_t count;
  if (!reader.Read(count)) return CutHead(frame);
  if (count > kMaxFds) {
    return Malformed(frame, absl::StrCat("a message has at most ", kMaxFds, " descriptors, and not ", count));
  }
  fds = count;
  return absl::OkStatus();
}

template <typename Frame>
FrameHeader MakeHeader(const Frame& frame, FrameType type, uint8_t flags, uint32_t call, size_t body_size) {
  const size_t head_size = frame.HeadSize();
  return FrameHeader{.size = static_cast<uint32_t>(FrameHeader::kBytes + head_size + body_size),
                     .type = static_cast<uint8_t>(type),
                     .flags = flags,
                     .head_size = static_cast<uint16_t>(head_size),
                     .call = call};
}

}  // namespace udsrpc::wire

#endif  // UDSRPC_COMMON_WIRE_FRAME_FIELDS_H_

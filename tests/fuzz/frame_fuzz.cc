// Any bytes as a packet: each frame parses or is refused, and one that parses, serialized, parses to the same again; to
// the same bytes, unless these had something that is to be ignored. So do all frames of the packet together.

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/src/wire/frame.h"
#include "common/src/wire/limits.h"
#include "common/src/wire/stream_frame.h"
#include "tests/fuzz/check.h"

namespace udsrpc::wire {
namespace {

// Adds `raw`, whose bytes are `original`, to `packet` where it parses as `Frame`.
template <typename Frame>
void Rewrite(const RawFrame& raw, absl::string_view original, std::string& packet) {
  const absl::StatusOr<Frame> frame = Frame::Parse(raw);
  if (!frame.ok()) {
    FUZZ_CHECK(!frame.status().message().empty());
    return;
  }
  const std::string bytes = SerializeFrame(*frame, raw.body);
  FUZZ_CHECK(bytes.size() <= original.size());
  FUZZ_CHECK(frame->HeadSize() != raw.head.size() || bytes == original);
  PacketReader reader(bytes);
  const absl::StatusOr<RawFrame> again = reader.Next();
  FUZZ_CHECK(again.ok() && reader.done());
  const absl::StatusOr<Frame> parsed = Frame::Parse(*again);
  FUZZ_CHECK(parsed.ok() && *parsed == *frame);
  FUZZ_CHECK(SerializeFrame(*parsed, again->body) == bytes);
  packet += bytes;
}

// By its type, as a connection does.
void Rewrite(const RawFrame& raw, absl::string_view original, std::string& packet) {
  switch (static_cast<FrameType>(raw.header.type)) {
    case FrameType::kHello:
      return Rewrite<HelloFrame>(raw, original, packet);
    case FrameType::kGoaway:
      return Rewrite<GoawayFrame>(raw, original, packet);
    case FrameType::kPing:
      return Rewrite<PingFrame>(raw, original, packet);
    case FrameType::kCredit:
      return Rewrite<CreditFrame>(raw, original, packet);
    case FrameType::kCall:
      return Rewrite<CallFrame>(raw, original, packet);
    case FrameType::kMessage:
      return Rewrite<MessageFrame>(raw, original, packet);
    case FrameType::kHalfClose:
      return Rewrite<HalfCloseFrame>(raw, original, packet);
    case FrameType::kCancel:
      return Rewrite<CancelFrame>(raw, original, packet);
    case FrameType::kInitial:
      return Rewrite<InitialFrame>(raw, original, packet);
    case FrameType::kStatus:
      return Rewrite<StatusFrame>(raw, original, packet);
  }
  FUZZ_CHECK(!raw.header.ToString().empty());
}

std::string RewritePacket(absl::string_view packet) {
  std::string rewritten;
  size_t begin = 0;
  for (PacketReader reader(packet); !reader.done();) {
    const absl::StatusOr<RawFrame> frame = reader.Next();
    if (!frame.ok()) break;
    FUZZ_CHECK(frame->head.size() == frame->header.head_size);
    FUZZ_CHECK(frame->header.size == FrameHeader::kBytes + frame->head.size() + frame->body.size());
    Rewrite(*frame, packet.substr(begin, frame->header.size), rewritten);
    begin += frame->header.size;
  }
  FUZZ_CHECK(begin <= packet.size());
  return rewritten;
}

}  // namespace
}  // namespace udsrpc::wire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string once = udsrpc::wire::RewritePacket({reinterpret_cast<const char*>(data), size});
  FUZZ_CHECK(udsrpc::wire::RewritePacket(once) == once);
  return 0;
}

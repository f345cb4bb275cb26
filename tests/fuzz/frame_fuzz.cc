// Any bytes as a packet: each frame parses or is refused, and one that parses, serialized, parses to the same again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "common/src/wire/frame.h"
#include "common/src/wire/metadata_block.h"
#include "common/src/wire/stream_frame.h"

namespace udsrpc::wire {
namespace {

template <typename Frame>
void CheckRoundTrip(const RawFrame& raw) {
  const absl::StatusOr<Frame> frame = Frame::Parse(raw);
  if (!frame.ok()) return;
  const std::string bytes = SerializeFrame(*frame, raw.body);
  PacketReader reader(bytes);
  const absl::StatusOr<RawFrame> again = reader.Next();
  if (!again.ok() || !reader.done()) std::abort();
  const absl::StatusOr<Frame> parsed = Frame::Parse(*again);
  if (!parsed.ok() || !(*parsed == *frame)) std::abort();
}

void CheckMetadata(absl::string_view block) {
  Metadata metadata;
  if (!ParseMetadata(block, metadata).ok()) return;
  std::string again;
  if (SerializeMetadata(metadata, again).ok() && again != block) std::abort();
}

}  // namespace
}  // namespace udsrpc::wire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace udsrpc::wire;  // NOLINT(google-build-using-namespace)
  const absl::string_view packet(reinterpret_cast<const char*>(data), size);
  CheckMetadata(packet);
  for (PacketReader reader(packet); !reader.done();) {
    const absl::StatusOr<RawFrame> frame = reader.Next();
    if (!frame.ok()) break;
    CheckRoundTrip<HelloFrame>(*frame);
    CheckRoundTrip<GoawayFrame>(*frame);
    CheckRoundTrip<PingFrame>(*frame);
    CheckRoundTrip<CallFrame>(*frame);
    CheckRoundTrip<CancelFrame>(*frame);
    CheckRoundTrip<StatusFrame>(*frame);
    CheckRoundTrip<MessageFrame>(*frame);
  }
  return 0;
}

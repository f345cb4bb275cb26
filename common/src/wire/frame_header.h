#ifndef UDSRPC_COMMON_WIRE_FRAME_HEADER_H_
#define UDSRPC_COMMON_WIRE_FRAME_HEADER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace udsrpc::wire {

enum class FrameType : uint8_t {
  kHello = 0x01,
  kGoaway = 0x02,
  kPing = 0x03,
  kCredit = 0x04,
  kCall = 0x10,
  kMessage = 0x11,
  kHalfClose = 0x12,
  kCancel = 0x13,
  kInitial = 0x20,
  kStatus = 0x21,
};

// A receiver ignores frames of types that have this bit and that it does not know.
inline constexpr uint8_t kIgnorableBit = 0x80;

// What every frame begins with; a frame is header, head and body, back to back:
//
//   offset  size  field
//        0     4  size       of the whole frame in bytes
//        4     1  type
//        5     1  flags      meaning depends on the type
//        6     2  head_size  bytes of the head, which holds the frame's fields; the rest is the body
//        8     4  call       the call that the frame is about; 0 for the connection
struct FrameHeader {
  static constexpr size_t kBytes = 12;

  uint32_t size = 0;
  uint8_t type = 0;
  uint8_t flags = 0;
  uint16_t head_size = 0;
  uint32_t call = 0;

  // Reads a header from the front of what is left of a packet. INVALID_ARGUMENT: cut short, or sizes that cannot be.
  static absl::StatusOr<FrameHeader> Parse(absl::string_view packet);

  // Writes kBytes bytes.
  void Serialize(char* out) const;

  // For people: "CALL call=1 flags=0x03 size=66 head=4".
  std::string ToString() const;

  friend bool operator==(const FrameHeader&, const FrameHeader&) = default;
};

// "CALL", or "0x7f" for a type without a name.
std::string FrameTypeName(uint8_t type);

// A frame with its fields not yet read. The views are of the packet.
struct RawFrame {
  FrameHeader header;
  absl::string_view head;
  absl::string_view body;
};

// Takes a packet apart into its frames. Reads nothing behind the packet's end whatever the bytes are.
class PacketReader {
 public:
  // `packet` must outlive the reader and the frames that it gives.
  explicit PacketReader(absl::string_view packet) : rest_(packet) {}

  bool done() const { return rest_.empty(); }

  // The next frame. INVALID_ARGUMENT, with the reason, where none can be read; then the packet is malformed.
  absl::StatusOr<RawFrame> Next();

 private:
  absl::string_view rest_;
};

}  // namespace udsrpc::wire

#endif  // UDSRPC_COMMON_WIRE_FRAME_HEADER_H_

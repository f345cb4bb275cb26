#ifndef UDSRPC_COMMON_WIRE_STREAM_FRAME_H_
#define UDSRPC_COMMON_WIRE_STREAM_FRAME_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/src/wire/frame_header.h"

// The frames of streams, and of messages that do not fit the frame that opens or ends their call. As in frame.h.

namespace udsrpc::wire {

// A message of a call, or a fragment of one. Costs credit. docs/PROTOCOL.md, "MESSAGE".
struct MessageFrame {
  uint32_t call = 0;
  bool half_close = false;             // the client's last
  bool more = false;                   // a fragment that is not the message's last
  std::optional<uint64_t> total = {};  // in the first of several fragments: bytes of the whole message
  absl::string_view message = {};      // the body
  std::optional<uint16_t> fds = {};    // as in CallFrame; with a message's first frame

  static absl::StatusOr<MessageFrame> Parse(const RawFrame& frame);
  size_t HeadSize() const;
  FrameHeader Header(size_t body_size) const;
  void SerializeHead(char* out) const;
  friend bool operator==(const MessageFrame&, const MessageFrame&) = default;
};

// The client sends no more messages of the call. docs/PROTOCOL.md, "HALF_CLOSE".
struct HalfCloseFrame {
  uint32_t call = 0;

  static absl::StatusOr<HalfCloseFrame> Parse(const RawFrame& frame);
  size_t HeadSize() const { return 0; }
  FrameHeader Header(size_t body_size = 0) const;
  void SerializeHead(char* /*out*/) const {}
  friend bool operator==(const HalfCloseFrame&, const HalfCloseFrame&) = default;
};

// The server's initial metadata, ahead of its first message. docs/PROTOCOL.md, "INITIAL".
struct InitialFrame {
  uint32_t call = 0;
  absl::string_view metadata = {};  // a metadata block, or empty

  static absl::StatusOr<InitialFrame> Parse(const RawFrame& frame);
  size_t HeadSize() const;
  FrameHeader Header(size_t body_size = 0) const;
  void SerializeHead(char* out) const;
  friend bool operator==(const InitialFrame&, const InitialFrame&) = default;
};

// The receiver may send more bytes of MESSAGE frames. docs/PROTOCOL.md, "CREDIT".
struct CreditFrame {
  uint32_t call = 0;   // 0: on the connection
  uint32_t bytes = 0;  // not 0

  static absl::StatusOr<CreditFrame> Parse(const RawFrame& frame);
  size_t HeadSize() const { return sizeof(bytes); }
  FrameHeader Header(size_t body_size = 0) const;
  void SerializeHead(char* out) const;
  friend bool operator==(const CreditFrame&, const CreditFrame&) = default;
};

}  // namespace udsrpc::wire

#endif  // UDSRPC_COMMON_WIRE_STREAM_FRAME_H_

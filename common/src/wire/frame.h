#ifndef UDSRPC_COMMON_WIRE_FRAME_H_
#define UDSRPC_COMMON_WIRE_FRAME_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/src/wire/frame_header.h"

// One struct a frame type. Each has
//
//   static absl::StatusOr<T> Parse(const RawFrame&)  INVALID_ARGUMENT with the reason: the connection is to end
//   size_t HeadSize() const                          bytes of its head
//   FrameHeader Header(size_t body_size) const       its header, for a body of that size
//   void SerializeHead(char* out) const              writes HeadSize() bytes
//
// What a head holds behind the fields known here was added by a later revision, and is ignored. All views are of the
// packet that was parsed or of what the sender filled in; nothing is copied.

namespace udsrpc::wire {

// The first frame of each side. docs/PROTOCOL.md, "HELLO".
struct HelloFrame {
  uint16_t version = 0;       // of the frames behind it, and the highest that the sender speaks
  uint16_t min_version = 0;   // the lowest
  uint32_t features = 0;      // bit n: feature n is understood; bit 0 goes by `max_fds` instead
  uint32_t max_calls = 0;     // calls open at once that the sender accepts; 0 from a client
  uint32_t max_metadata = 0;  // bytes of metadata a call that the sender accepts, by Metadata::ByteSize
  uint64_t max_message = 0;   // bytes of a message that the sender accepts
  uint16_t max_fds = 0;       // descriptors of a message that the sender accepts; 0: none, as without feature 0

  static absl::StatusOr<HelloFrame> Parse(const RawFrame& frame);
  size_t HeadSize() const;
  FrameHeader Header(size_t body_size = 0) const;
  void SerializeHead(char* out) const;
  friend bool operator==(const HelloFrame&, const HelloFrame&) = default;
};

enum class GoawayReason : uint32_t {
  kShutdown = 0,       // the sender ends in an orderly way
  kProtocolError = 1,  // the receiver sent what the protocol forbids
  kVersion = 2,        // no version in common
};

// No further calls on this connection. docs/PROTOCOL.md, "GOAWAY".
struct GoawayFrame {
  uint32_t reason = 0;          // GoawayReason; others may come from later revisions
  absl::string_view text = {};  // the body: an explanation for people, UTF-8

  static absl::StatusOr<GoawayFrame> Parse(const RawFrame& frame);
  size_t HeadSize() const;
  FrameHeader Header(size_t body_size) const;
  void SerializeHead(char* out) const;
  friend bool operator==(const GoawayFrame&, const GoawayFrame&) = default;
};

struct PingFrame {
  bool ack = false;
  uint64_t token = 0;  // comes back in the ack

  static absl::StatusOr<PingFrame> Parse(const RawFrame& frame);
  size_t HeadSize() const;
  FrameHeader Header(size_t body_size = 0) const;
  void SerializeHead(char* out) const;
  friend bool operator==(const PingFrame&, const PingFrame&) = default;
};

// Opens a call. docs/PROTOCOL.md, "CALL".
struct CallFrame {
  uint32_t call = 0;
  uint32_t method = 0;  // its number on this connection, or 0 with a path that is not numbered
  bool half_close = false;
  bool has_message = false;
  std::optional<uint64_t> timeout_us = {};  // what was left until the deadline when the frame was written
  absl::string_view path = {};              // given with the number's first use; empty: not given
  absl::string_view metadata = {};          // a metadata block, or empty
  absl::string_view message = {};           // the body
  std::optional<uint16_t> fds = {};         // the message's of the packet's descriptors; 0: its sender has lost them

  static absl::StatusOr<CallFrame> Parse(const RawFrame& frame);
  size_t HeadSize() const;
  FrameHeader Header(size_t body_size) const;
  void SerializeHead(char* out) const;
  friend bool operator==(const CallFrame&, const CallFrame&) = default;
};

// The client does not want the answer any more. docs/PROTOCOL.md, "CANCEL".
struct CancelFrame {
  uint32_t call = 0;
  uint32_t code = 0;  // the status code that the call ended with on the client

  static absl::StatusOr<CancelFrame> Parse(const RawFrame& frame);
  size_t HeadSize() const;
  FrameHeader Header(size_t body_size = 0) const;
  void SerializeHead(char* out) const;
  friend bool operator==(const CancelFrame&, const CancelFrame&) = default;
};

// Ends a call, with its last message where it has one. docs/PROTOCOL.md, "STATUS".
struct StatusFrame {
  uint32_t call = 0;
  bool has_message = false;
  bool refused = false;  // the handler was not run, so the call may be made again elsewhere
  uint32_t code = 0;     // absl::StatusCode; the two below are empty where it is OK
  absl::string_view status_message = {};
  absl::string_view details = {};           // as in grpc-status-details-bin
  absl::string_view initial_metadata = {};  // metadata blocks, or empty
  absl::string_view trailing_metadata = {};
  absl::string_view message = {};    // the body
  std::optional<uint16_t> fds = {};  // as in CallFrame

  static absl::StatusOr<StatusFrame> Parse(const RawFrame& frame);
  size_t HeadSize() const;
  FrameHeader Header(size_t body_size) const;
  void SerializeHead(char* out) const;
  friend bool operator==(const StatusFrame&, const StatusFrame&) = default;
};

// The frame whole, body included: for tests, and for frames that are not written into a packet in place.
template <typename Frame>
std::string SerializeFrame(const Frame& frame, absl::string_view body = {}) {
  std::string bytes(FrameHeader::kBytes + frame.HeadSize() + body.size(), '\0');
  frame.Header(body.size()).Serialize(bytes.data());
  frame.SerializeHead(bytes.data() + FrameHeader::kBytes);
  bytes.replace(FrameHeader::kBytes + frame.HeadSize(), body.size(), body.data(), body.size());
  return bytes;
}

}  // namespace udsrpc::wire

#endif  // UDSRPC_COMMON_WIRE_FRAME_H_

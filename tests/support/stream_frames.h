#ifndef UDSRPC_TESTS_SUPPORT_STREAM_FRAMES_H_
#define UDSRPC_TESTS_SUPPORT_STREAM_FRAMES_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "common/src/wire/frame.h"
#include "common/src/wire/stream_frame.h"
#include "tests/proto/testing.pb.h"

// The bytes of frames that either side of a stream sends, for those who speak the protocol by hand.

namespace udsrpc::testing {

// An EchoRequest, or an EchoReply, which has the same bytes.
inline EchoRequest Request(const std::string& text) {
  EchoRequest request;
  request.set_text(text);
  return request;
}
inline std::string Text(const std::string& text) { return Request(text).SerializeAsString(); }

// One whose MESSAGE frame has `size` bytes all told (300 to 16,384).
inline EchoRequest RequestOfSize(size_t size) {
  constexpr size_t kTagAndLength = 3;  // of a text of 128 to 16,383 bytes
  return Request(std::string(size - wire::FrameHeader::kBytes - kTagAndLength, 'x'));
}

inline std::string Message(uint32_t call, absl::string_view body, bool half_close = false) {
  return wire::SerializeFrame(wire::MessageFrame{.call = call, .half_close = half_close}, body);
}
// The first fragment of several, and one between the first and the last.
inline std::string First(uint32_t call, uint64_t total, absl::string_view body) {
  return wire::SerializeFrame(wire::MessageFrame{.call = call, .more = true, .total = total}, body);
}
inline std::string More(uint32_t call, absl::string_view body) {
  return wire::SerializeFrame(wire::MessageFrame{.call = call, .more = true}, body);
}
inline std::string MessageOfSize(uint32_t call, size_t size) {
  return Message(call, RequestOfSize(size).SerializeAsString());
}
inline std::string Credit(uint32_t call, uint32_t bytes) {
  return wire::SerializeFrame(wire::CreditFrame{.call = call, .bytes = bytes});
}

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_SUPPORT_STREAM_FRAMES_H_

#ifndef UDSRPC_TESTS_HOSTILE_HTTP2_FRAMES_H_
#define UDSRPC_TESTS_HOSTILE_HTTP2_FRAMES_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

// The bytes of HTTP/2 (RFC 9113) and of its header compression (RFC 7541), as far as attackers need them. No string is
// Huffman-coded.

namespace udsrpc::testing::http2 {

enum Type : uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kRstStream = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoaway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
};
inline constexpr uint8_t kEndStream = 0x1;
inline constexpr uint8_t kAck = 0x1;
inline constexpr uint8_t kEndHeaders = 0x4;

inline constexpr uint16_t kInitialWindowSize = 4;

// Bytes of an integer, the first of them the highest.
inline std::string BigEndian(uint64_t value, int bytes) {
  std::string out;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
  return out;
}

// `size`, where it is not that of `payload`, lies.
inline std::string Frame(Type type, uint8_t flags, uint32_t stream, absl::string_view payload = "", int64_t size = -1) {
  std::string frame = BigEndian(size < 0 ? payload.size() : static_cast<uint64_t>(size), 3);
  frame.push_back(static_cast<char>(type));
  frame.push_back(static_cast<char>(flags));
  frame += BigEndian(stream, 4);
  frame.append(payload.data(), payload.size());
  return frame;
}

inline std::string Setting(uint16_t name, uint32_t value) { return BigEndian(name, 2) + BigEndian(value, 4); }

// What a client begins with.
inline std::string Preface(absl::string_view settings = "") {
  return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(kSettings, 0, 0, settings);
}

// A string with its length, an integer with a prefix of seven bits.
inline std::string CodedString(absl::string_view text) {
  std::string out;
  size_t rest = text.size();
  if (rest < 127) {
    out.push_back(static_cast<char>(rest));
  } else {
    out.push_back(127);
    for (rest -= 127; rest >= 128; rest >>= 7) out.push_back(static_cast<char>(128 + rest % 128));
    out.push_back(static_cast<char>(rest));
  }
  out.append(text.data(), text.size());
  return out;
}

// A field that is not kept by the decoder, and one that is: it is the youngest of those, and `kYoungest` names it.
inline std::string Field(absl::string_view name, absl::string_view value) {
  return std::string(1, '\0') + CodedString(name) + CodedString(value);
}
inline std::string IndexedField(absl::string_view name, absl::string_view value) {
  return std::string(1, '\x40') + CodedString(name) + CodedString(value);
}
inline constexpr char kYoungest = static_cast<char>(0x80 | 62);

inline std::string RequestFields(absl::string_view path) {
  return Field(":method", "POST") + Field(":scheme", "http") + Field(":path", path) + Field(":authority", "localhost") +
         Field("te", "trailers") + Field("content-type", "application/grpc");
}
inline std::string OpenStream(uint32_t stream, absl::string_view path, uint8_t flags = kEndHeaders) {
  return Frame(kHeaders, flags, stream, RequestFields(path));
}

// A message as gRPC has it in DATA.
inline std::string GrpcMessage(absl::string_view message) {
  std::string data(1, '\0');
  data += BigEndian(message.size(), 4);
  data.append(message.data(), message.size());
  return data;
}
inline std::string UnaryCall(uint32_t stream, absl::string_view path, absl::string_view request) {
  return OpenStream(stream, path) + Frame(kData, kEndStream, stream, GrpcMessage(request));
}

}  // namespace udsrpc::testing::http2

#endif  // UDSRPC_TESTS_HOSTILE_HTTP2_FRAMES_H_

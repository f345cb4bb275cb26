#ifndef UDSRPC_COMMON_WIRE_BYTE_ORDER_H_
#define UDSRPC_COMMON_WIRE_BYTE_ORDER_H_

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"

namespace udsrpc::wire {

static_assert(std::endian::native == std::endian::little,
              "the wire is little-endian; loads and stores would have to swap");

// Reads little-endian fields from the front of bytes. Each read fails, and reads nothing, where too few are left.
class ByteReader {
 public:
  explicit ByteReader(absl::string_view bytes) : bytes_(bytes) {}

  template <std::unsigned_integral Field>
  bool Read(Field& field) {
    if (bytes_.size() < sizeof(field)) return false;
    std::memcpy(&field, bytes_.data(), sizeof(field));
    bytes_.remove_prefix(sizeof(field));
    return true;
  }

  // A u16 length and as many bytes; `section` is a view of the input.
  bool ReadSection(absl::string_view& section) {
    uint16_t size;
    ByteReader ahead = *this;
    if (!ahead.Read(size) || ahead.bytes_.size() < size) return false;
    section = ahead.bytes_.substr(0, size);
    bytes_ = ahead.bytes_.substr(size);
    return true;
  }

  bool ReadBytes(size_t size, absl::string_view& bytes) {
    if (bytes_.size() < size) return false;
    bytes = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return true;
  }

  absl::string_view rest() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }

 private:
  absl::string_view bytes_;
};

// Writes little-endian fields one after the other. The caller has seen to the room.
class ByteWriter {
 public:
  explicit ByteWriter(char* out) : out_(out) {}

  template <std::unsigned_integral Field>
  void Write(Field field) {
    std::memcpy(out_, &field, sizeof(field));
    out_ += sizeof(field);
  }

  void WriteBytes(absl::string_view bytes) {
    if (!bytes.empty()) std::memcpy(out_, bytes.data(), bytes.size());
    out_ += bytes.size();
  }

  // The counterpart of ReadSection. At most 65,535 bytes.
  void WriteSection(absl::string_view section) {
    Write(static_cast<uint16_t>(section.size()));
    WriteBytes(section);
  }

  char* position() const { return out_; }

 private:
  char* out_;
};

inline constexpr size_t SectionSize(absl::string_view section) { return sizeof(uint16_t) + section.size(); }

}  // namespace udsrpc::wire

#endif  // UDSRPC_COMMON_WIRE_BYTE_ORDER_H_

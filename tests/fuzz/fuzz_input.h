#ifndef UDSRPC_TESTS_FUZZ_FUZZ_INPUT_H_
#define UDSRPC_TESTS_FUZZ_FUZZ_INPUT_H_

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "absl/strings/string_view.h"

namespace udsrpc::fuzz {

// A fuzzer's input, read from its front as what a program of steps needs. Behind its end everything is 0 or empty. What
// has a few bytes here has a few there, so that a small change of the input is a small change of the program.
class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return rest_.empty(); }

  uint8_t Byte() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  bool Flag() { return (Byte() & 1) != 0; }
  // Below `end`, which is at most 256.
  uint32_t Below(uint32_t end) { return Byte() % end; }
  // So many bytes, the lowest first.
  uint64_t Number(int bytes) {
    uint64_t number = 0;
    for (int i = 0; i < bytes; ++i) number |= uint64_t{Byte()} << (8 * i);
    return number;
  }
  // Of 1 to 8 bytes: small ones are as likely as large ones.
  uint64_t AnyNumber() {
    const int bytes = 1 + static_cast<int>(Below(8));
    return Number(bytes);
  }

  absl::string_view Bytes(size_t size) {
    const absl::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(bytes.size());
    return bytes;
  }
  // A length of one byte, and as many.
  absl::string_view ShortText() { return Bytes(Byte()); }
  absl::string_view Rest() { return Bytes(rest_.size()); }

  // The size of a message: short, or one at which something changes.
  size_t MessageSize() {
    constexpr size_t kNotable[] = {255,   256,   1000,  4096,   8179,   8180,   8192,  8193,
                                   16384, 20000, 32767, 32768,  32769,  40000,  60000, 65400,
                                   65500, 65524, 65535, 100000, 100001, 150000, 65520, 65523};
    const uint8_t byte = Byte();
    if (byte < 0xC0) return byte & 0x3F;
    return kNotable[byte % std::size(kNotable)];
  }

 private:
  absl::string_view rest_;
};

}  // namespace udsrpc::fuzz

#endif  // UDSRPC_TESTS_FUZZ_FUZZ_INPUT_H_

#ifndef UDSRPC_TESTS_SUPPORT_HEX_H_
#define UDSRPC_TESTS_SUPPORT_HEX_H_

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace udsrpc::testing {

// Bytes from hexadecimal text with spaces and newlines in it.
inline std::string FromHex(absl::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (absl::ascii_isxdigit(c)) digits.push_back(c);
  }
  return absl::HexStringToBytes(digits);
}

// "0c 00 ...", so that a difference can be read.
inline std::string ToHex(absl::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    if (!text.empty()) text += ' ';
    text += absl::BytesToHexString(absl::string_view(&c, 1));
  }
  return text;
}

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_SUPPORT_HEX_H_

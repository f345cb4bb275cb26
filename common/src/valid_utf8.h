#ifndef UDSRPC_COMMON_VALID_UTF8_H_
#define UDSRPC_COMMON_VALID_UTF8_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace udsrpc {

// What a peer has said, fit for a message's field of type `string`, of which Protobuf parses nothing but UTF-8: each
// byte that belongs to no character is U+FFFD, and what is longer than `most` bytes (at least 3) is cut at the end of a
// character and ends with "...", within them.
std::string ValidUtf8(absl::string_view text, size_t most);

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_VALID_UTF8_H_

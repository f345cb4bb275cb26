#ifndef UDSRPC_COMMON_PERCENT_ENCODING_H_
#define UDSRPC_COMMON_PERCENT_ENCODING_H_

#include <string>

#include "absl/strings/string_view.h"

namespace udsrpc {

// RFC 3986, section 2.1, for the path part of a URI: everything but unreserved characters and `/` becomes %XX.
std::string PercentEncode(absl::string_view bytes);

// The bytes that `text` stands for, into `bytes`. False: a % without two hexadecimal digits; `bytes` is unspecified.
bool PercentDecode(absl::string_view text, std::string& bytes);

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_PERCENT_ENCODING_H_

#ifndef UDSRPC_COMMON_FATAL_H_
#define UDSRPC_COMMON_FATAL_H_

#include "absl/strings/string_view.h"

namespace udsrpc {

// Ends the program, which has used `what` in a way that cannot be answered with a status: says so on stderr.
[[noreturn]] void Fatal(absl::string_view what, absl::string_view mistake);

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_FATAL_H_

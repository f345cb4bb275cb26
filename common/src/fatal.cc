#include "common/src/fatal.h"

#include <cstdio>
#include <cstdlib>

namespace udsrpc {

void Fatal(absl::string_view what, absl::string_view mistake) {
  std::fprintf(stderr, "udsrpc: %.*s: %.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(mistake.size()), mistake.data());
  std::abort();
}

}  // namespace udsrpc

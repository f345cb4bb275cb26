// Any text as an endpoint: it is refused, or its canonical form parses to the same.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "udsrpc/endpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::StatusOr<udsrpc::Endpoint> endpoint =
      udsrpc::Endpoint::Parse(absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!endpoint.ok()) return 0;
  const absl::StatusOr<udsrpc::Endpoint> again = udsrpc::Endpoint::Parse(endpoint->ToString());
  if (!again.ok() || !(*again == *endpoint)) std::abort();
  return 0;
}

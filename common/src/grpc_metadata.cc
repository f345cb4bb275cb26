#include "common/src/grpc_metadata.h"

#include "absl/strings/string_view.h"

namespace udsrpc {
namespace {

// gRPC puts its own in place of a user's, and shows it to the other end. `content-type` and `te` it takes out itself.
constexpr absl::string_view kUserAgent = "user-agent";

absl::string_view View(grpc::string_ref text) { return {text.data(), text.size()}; }

}  // namespace

Metadata FromGrpcMetadata(const GrpcMetadata& received) {
  Metadata metadata;
  for (const auto& [key, value] : received) {
    if (View(key) == kUserAgent) continue;
    metadata.Add(View(key), View(value)).IgnoreError();
  }
  return metadata;
}

}  // namespace udsrpc

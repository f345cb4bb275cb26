#include "common/src/grpc_metadata.h"

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace udsrpc {
namespace {

// gRPC puts its own in place of a user's, and shows it to the other end. `content-type` and `te` it takes out itself.
constexpr absl::string_view kUserAgent = "user-agent";
constexpr absl::string_view kReservedPrefix = "grpc-";

absl::string_view View(const grpc::string_ref& text) { return {text.data(), text.size()}; }

}  // namespace

Metadata FromGrpcMetadata(const GrpcMetadata& received) {
  Metadata metadata;
  for (const auto& [key, value] : received) {
    // Add would refuse the reserved ones too, at the price of a message.
    if (View(key) == kUserAgent || View(key) == kSuccessorKey || absl::StartsWith(View(key), kReservedPrefix)) continue;
    metadata.Add(View(key), View(value)).IgnoreError();
  }
  return metadata;
}

}  // namespace udsrpc

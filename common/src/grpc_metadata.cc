#include "common/src/grpc_metadata.h"

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace udsrpc {
namespace {

// gRPC puts its own in place of a user's, and shows it to the other end. `content-type` and `te` it takes out itself.
constexpr absl::string_view kUserAgent = "user-agent";
constexpr absl::string_view kReservedPrefix = "grpc-";

constexpr size_t kEntryOverheadBytes = 32;  // as Metadata::ByteSize

absl::string_view View(const grpc::string_ref& text) { return {text.data(), text.size()}; }

bool IsLibrarys(absl::string_view key) {
  return key == kUserAgent || key == kSuccessorKey || absl::StartsWith(key, kReservedPrefix);
}

}  // namespace

size_t BytesOfGrpcMetadata(const GrpcMetadata& received) {
  size_t bytes = 0;
  for (const auto& [key, value] : received) {
    if (!IsLibrarys(View(key))) bytes += key.size() + value.size() + kEntryOverheadBytes;
  }
  return bytes;
}

Metadata FromGrpcMetadata(const GrpcMetadata& received) {
  Metadata metadata;
  for (const auto& [key, value] : received) {
    // Add would refuse the reserved ones too, at the price of a message.
    if (IsLibrarys(View(key))) continue;
    metadata.Add(View(key), View(value)).IgnoreError();
  }
  return metadata;
}

}  // namespace udsrpc

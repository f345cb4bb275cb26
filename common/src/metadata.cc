#include "udsrpc/metadata.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace udsrpc {
namespace {

// RFC 9113, section 6.5.2.
constexpr size_t kEntryOverheadBytes = 32;

bool IsKeyCharacter(char c) {
  return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_' || c == '-' || c == '.';
}

bool IsPrintable(char c) { return c >= 0x20 && c <= 0x7E; }

absl::Status InvalidMetadata(absl::string_view key, absl::string_view rule) {
  return absl::InvalidArgumentError(absl::StrCat("metadata key \"", absl::CHexEscape(key), "\": ", rule));
}

}  // namespace

absl::Status ValidateMetadataKey(absl::string_view key) {
  if (key.empty()) return absl::InvalidArgumentError("metadata key: it is empty");
  if (!std::all_of(key.begin(), key.end(), IsKeyCharacter)) {
    return InvalidMetadata(key, "only 0-9 a-z _ - and . are allowed");
  }
  if (absl::StartsWith(key, "grpc-") || key == "content-type" || key == "te" || key == "user-agent") {
    return InvalidMetadata(key, "it is reserved for the framework; use another one");
  }
  return absl::OkStatus();
}

absl::Status ValidateMetadataValue(absl::string_view key, absl::string_view value) {
  if (absl::EndsWith(key, "-bin") || std::all_of(value.begin(), value.end(), IsPrintable)) return absl::OkStatus();
  return InvalidMetadata(key, "its value is not printable ASCII; use a key that ends in -bin for other bytes");
}

absl::Status Metadata::Add(absl::string_view key, absl::string_view value) {
  std::string lower = absl::AsciiStrToLower(key);
  if (absl::Status status = ValidateMetadataKey(lower); !status.ok()) return status;
  if (absl::Status status = ValidateMetadataValue(lower, value); !status.ok()) return status;
  entries_.emplace_back(std::move(lower), std::string(value));
  return absl::OkStatus();
}

std::optional<absl::string_view> Metadata::Get(absl::string_view key) const {
  for (const Entry& entry : entries_) {
    if (absl::EqualsIgnoreCase(entry.first, key)) return absl::string_view(entry.second);
  }
  return std::nullopt;
}

size_t Metadata::ByteSize() const {
  size_t bytes = 0;
  for (const Entry& entry : entries_) bytes += entry.first.size() + entry.second.size() + kEntryOverheadBytes;
  return bytes;
}

}  // namespace udsrpc

// Any bytes as a section of metadata: refused, or the entries keep the rules and make the same section again. And any
// entries, as an application adds them: a section that is made of them gives the same ones.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "common/src/wire/metadata_block.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/fuzz_input.h"

namespace udsrpc::fuzz {
namespace {

// docs/PROTOCOL.md, "Metadata".
void CheckRules(const Metadata& metadata) {
  size_t bytes = 0;
  for (const auto& [key, value] : metadata) {
    bytes += key.size() + value.size() + 32;
    FUZZ_CHECK(!key.empty() && !absl::StartsWith(key, "grpc-"));
    FUZZ_CHECK(key != "content-type" && key != "te" && key != "user-agent");
    for (const char c : key) {
      FUZZ_CHECK((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.');
    }
    if (absl::EndsWith(key, "-bin")) continue;
    for (const char c : value) FUZZ_CHECK(c >= 0x20 && c <= 0x7E);
  }
  FUZZ_CHECK(metadata.ByteSize() == bytes);
}

void CheckSection(absl::string_view section) {
  Metadata metadata;
  const absl::Status parsed = wire::ParseMetadata(section, metadata);
  CheckRules(metadata);
  if (!parsed.ok()) return;
  std::string again;
  if (wire::SerializeMetadata(metadata, again).ok()) FUZZ_CHECK(again == section);
}

void CheckEntries(FuzzInput input) {
  Metadata metadata;
  while (!input.empty()) {
    const absl::string_view key = input.ShortText();
    // A long value is not worth as many bytes of input.
    const std::string value = input.Flag() ? std::string(input.MessageSize(), 'v') : std::string(input.ShortText());
    const size_t before = metadata.size();
    const bool added = metadata.Add(key, value).ok();
    FUZZ_CHECK(metadata.size() == before + (added ? 1 : 0));
  }
  CheckRules(metadata);
  std::string section;
  if (!wire::SerializeMetadata(metadata, section).ok()) return;
  Metadata again;
  FUZZ_CHECK(wire::ParseMetadata(section, again).ok());
  FUZZ_CHECK(again == metadata);
}

}  // namespace
}  // namespace udsrpc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  udsrpc::fuzz::CheckSection({reinterpret_cast<const char*>(data), size});
  udsrpc::fuzz::CheckEntries({data, size});
  return 0;
}

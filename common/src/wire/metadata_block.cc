#include "common/src/wire/metadata_block.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/src/wire/byte_order.h"

namespace udsrpc::wire {
namespace {

// Half of what a head holds: a STATUS carries two blocks and its error beside them.
constexpr size_t kMaxBlockBytes = 24 << 10;

}  // namespace

absl::Status SerializeMetadata(const Metadata& metadata, std::string& block) {
  size_t size = 0;
  for (const auto& [key, value] : metadata) size += SectionSize(key) + SectionSize(value);
  if (size > kMaxBlockBytes) {
    return absl::ResourceExhaustedError(absl::StrCat("metadata of ", size, " bytes is over the ", kMaxBlockBytes,
                                                     " that seqpacket carries for a call"));
  }
  block.resize(size);
  ByteWriter writer(block.data());
  for (const auto& [key, value] : metadata) {
    writer.WriteSection(key);
    writer.WriteSection(value);
  }
  return absl::OkStatus();
}

absl::Status ParseMetadata(absl::string_view block, Metadata& metadata) {
  ByteReader reader(block);
  while (!reader.empty()) {
    absl::string_view key, value;
    if (!reader.ReadSection(key) || !reader.ReadSection(value)) {
      return absl::InvalidArgumentError("a metadata block is cut short");
    }
    if (absl::Status status = ValidateMetadataKey(key); !status.ok()) return status;
    if (absl::Status status = metadata.Add(key, value); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace udsrpc::wire

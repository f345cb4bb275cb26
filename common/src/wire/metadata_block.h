#ifndef UDSRPC_COMMON_WIRE_METADATA_BLOCK_H_
#define UDSRPC_COMMON_WIRE_METADATA_BLOCK_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "udsrpc/metadata.h"

namespace udsrpc::wire {

// Metadata as frames carry it: for each entry a u16 key length and the key, a u16 value length and the value.

// Empty for no metadata. RESOURCE_EXHAUSTED: an entry, or the whole, is over what a frame's head can carry.
absl::Status SerializeMetadata(const Metadata& metadata, std::string& block);

// Adds the entries of `block` to `metadata`. INVALID_ARGUMENT: cut short, or an entry that Metadata forbids; then the
// connection is to end.
absl::Status ParseMetadata(absl::string_view block, Metadata& metadata);

}  // namespace udsrpc::wire

#endif  // UDSRPC_COMMON_WIRE_METADATA_BLOCK_H_

#ifndef UDSRPC_METADATA_H_
#define UDSRPC_METADATA_H_

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace udsrpc {

// Key-value pairs that travel beside a call's messages. A key may repeat; its values arrive in the order in which they
// were added (over gRPC, different keys arrive sorted).
//
// gRPC's rules hold on both transports. A key is one or more of `0-9 a-z _ - .`; upper case is accepted and lowered.
// Keys that begin with `grpc-` are reserved, and so are `content-type`, `te` and `user-agent`, which gRPC sets. The
// value of a key that ends in `-bin` is any bytes; every other value is printable ASCII (0x20 to 0x7E), or empty. Leave
// no space at either end of it: udsrpc keeps one, but other gRPC implementations may strip it.
//
// Thread-compatible.
class Metadata {
 public:
  using Entry = std::pair<std::string, std::string>;
  using value_type = Entry;
  using const_iterator = std::vector<Entry>::const_iterator;

  // INVALID_ARGUMENT, naming the key and the rule, when key or value is not allowed; nothing is added then.
  absl::Status Add(absl::string_view key, absl::string_view value);

  // The first value of `key`, in either case. The view lives until this object is next changed.
  std::optional<absl::string_view> Get(absl::string_view key) const;

  const_iterator begin() const { return entries_.begin(); }
  const_iterator end() const { return entries_.end(); }
  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  void clear() { entries_.clear(); }

  // The size by which limits are kept: for each entry its key and value and 32 bytes, as HTTP/2 counts header lists
  // (RFC 9113, section 6.5.2).
  size_t ByteSize() const;

  friend bool operator==(const Metadata&, const Metadata&) = default;

 private:
  std::vector<Entry> entries_;
};

// The checks that Add makes, for one key or value. OK or INVALID_ARGUMENT.
absl::Status ValidateMetadataKey(absl::string_view key);
absl::Status ValidateMetadataValue(absl::string_view key, absl::string_view value);

}  // namespace udsrpc

#endif  // UDSRPC_METADATA_H_

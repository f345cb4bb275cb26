#ifndef UDSRPC_SERVER_DESCRIBED_FILES_H_
#define UDSRPC_SERVER_DESCRIBED_FILES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/descriptor.h"

namespace udsrpc {

// What server reflection tells of the messages in `pool`. The codes are those of gRPC's own implementation.
class DescribedFiles {
 public:
  using Files = std::vector<std::string>;  // each a serialized FileDescriptorProto

  explicit DescribedFiles(const google::protobuf::DescriptorPool& pool) : pool_(pool) {}

  // Of all three: the file first, and behind it those that it imports, directly or not, as far as they fit; nearer ones
  // first. NOT_FOUND: there is none.
  absl::StatusOr<Files> OfName(const std::string& name) const;
  absl::StatusOr<Files> OfSymbol(const std::string& symbol) const;
  absl::StatusOr<Files> OfExtension(const std::string& type, int32_t number) const;

  // In ascending order. NOT_FOUND: there is no such message.
  absl::StatusOr<std::vector<int32_t>> ExtensionNumbersOf(const std::string& type) const;

  // Half of what gRPC's clients accept as one message by default.
  static constexpr size_t kMaxBytes = 2 << 20;

 private:
  const google::protobuf::DescriptorPool& pool_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_DESCRIBED_FILES_H_

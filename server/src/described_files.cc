#include "server/src/described_files.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.pb.h"

namespace udsrpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

DescribedFiles::Files WithImports(const FileDescriptor& first) {
  DescribedFiles::Files files;
  size_t bytes = 0;
  absl::flat_hash_set<const FileDescriptor*> seen{&first};
  std::deque<const FileDescriptor*> next{&first};
  while (!next.empty()) {
    const FileDescriptor& file = *next.front();
    next.pop_front();
    google::protobuf::FileDescriptorProto described;
    file.CopyTo(&described);
    std::string serialized = described.SerializeAsString();
    bytes += serialized.size();
    if (!files.empty() && bytes > DescribedFiles::kMaxBytes) break;
    files.push_back(std::move(serialized));
    for (int i = 0; i < file.dependency_count(); ++i) {
      if (seen.insert(file.dependency(i)).second) next.push_back(file.dependency(i));
    }
  }
  return files;
}

absl::Status NotFound(absl::string_view what, absl::string_view name) {
  return absl::NotFoundError(absl::StrCat("there is no ", what, " ", name));
}

}  // namespace

absl::StatusOr<DescribedFiles::Files> DescribedFiles::OfName(const std::string& name) const {
  const FileDescriptor* const file = pool_.FindFileByName(name);
  if (file == nullptr) return NotFound("file", name);
  return WithImports(*file);
}

absl::StatusOr<DescribedFiles::Files> DescribedFiles::OfSymbol(const std::string& symbol) const {
  const FileDescriptor* const file = pool_.FindFileContainingSymbol(symbol);
  if (file == nullptr) return NotFound("symbol", symbol);
  return WithImports(*file);
}

absl::StatusOr<DescribedFiles::Files> DescribedFiles::OfExtension(const std::string& type, int32_t number) const {
  const Descriptor* const message = pool_.FindMessageTypeByName(type);
  if (message == nullptr) return NotFound("message", type);
  const FieldDescriptor* const extension = pool_.FindExtensionByNumber(message, number);
  if (extension == nullptr) return NotFound(absl::StrCat("extension ", number, " of"), type);
  return WithImports(*extension->file());
}

absl::StatusOr<std::vector<int32_t>> DescribedFiles::ExtensionNumbersOf(const std::string& type) const {
  const Descriptor* const message = pool_.FindMessageTypeByName(type);
  if (message == nullptr) return NotFound("message", type);
  std::vector<const FieldDescriptor*> extensions;
  pool_.FindAllExtensions(message, &extensions);
  std::vector<int32_t> numbers;
  for (const FieldDescriptor* extension : extensions) numbers.push_back(extension->number());
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace udsrpc

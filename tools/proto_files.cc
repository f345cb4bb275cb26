#include "tools/proto_files.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/compiler/importer.h"

namespace udsrpc::tools {
namespace {

using google::protobuf::FileDescriptor;
using google::protobuf::compiler::DiskSourceTree;

// Where Debian's libprotobuf-dev has google/protobuf/any.proto and the like.
constexpr char kProtobufsOwn[] = "/usr/include";

class FirstError final : public google::protobuf::compiler::MultiFileErrorCollector {
 public:
  void AddError(const std::string& file, int line, int column, const std::string& message) override {
    if (!text_.empty()) return;
    // They count from 0, and -1 means the file as a whole.
    text_ = line < 0 ? absl::StrCat(file, ": ", message)
                     : absl::StrCat(file, ":", line + 1, ":", column + 1, ": ", message);
  }

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class FileSchema final : public Schema {
 public:
  explicit FileSchema(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) tree_.MapPath("", path);
    if (paths.empty()) tree_.MapPath("", ".");
  }

  Outcome Read(const std::vector<std::string>& files) {
    std::vector<std::string> names;
    for (const std::string& file : files) {
      std::error_code error;
      if (!std::filesystem::is_regular_file(file, error)) {
        names.push_back(file);  // as an import names it
        continue;
      }
      std::string name = NameOf(file);
      if (name.empty()) {
        const std::filesystem::path path(file);
        tree_.MapPath("", path.has_parent_path() ? path.parent_path().string() : ".");
        name = NameOf(file);
      }
      if (name.empty())
        return Outcome::Usage(absl::StrCat("--proto: ", file, " cannot be read, or another is before it"));
      names.push_back(std::move(name));
    }
    tree_.MapPath("", kProtobufsOwn);
    for (const std::string& name : names) {
      const FileDescriptor* const read = importer_.Import(name);
      if (read == nullptr) {
        return Outcome::Usage(absl::StrCat("--proto: ", errors_.text(), "; imports are looked for in --proto_path"));
      }
      files_.push_back(read);
    }
    return Outcome::Ok();
  }

  const google::protobuf::DescriptorPool& pool() const override { return *importer_.pool(); }
  Outcome outcome() const override { return Outcome::Ok(); }
  Outcome ListServices(std::vector<std::string>* names) override {
    for (const FileDescriptor* file : files_) {
      for (int i = 0; i < file->service_count(); ++i) names->push_back(file->service(i)->full_name());
    }
    std::sort(names->begin(), names->end());
    return Outcome::Ok();
  }
  google::protobuf::DynamicMessageFactory& messages() override { return messages_; }
  void Rest() override {}

 private:
  // As imports would name it; empty: it is beneath none of the paths, or hidden by another.
  std::string NameOf(const std::string& file) {
    std::string name;
    std::string shadowing;
    const auto result = tree_.DiskFileToVirtualFile(file, &name, &shadowing);
    return result == DiskSourceTree::SUCCESS ? name : "";
  }

  DiskSourceTree tree_;
  FirstError errors_;
  google::protobuf::compiler::Importer importer_{&tree_, &errors_};
  std::vector<const FileDescriptor*> files_;
  google::protobuf::DynamicMessageFactory messages_;  // behind the pool: its end looks at descriptors
};

}  // namespace

Outcome OpenProtoFiles(const std::vector<std::string>& files, const std::vector<std::string>& paths,
                       std::unique_ptr<Schema>* schema) {
  auto opened = std::make_unique<FileSchema>(paths);
  if (Outcome outcome = opened->Read(files); outcome.code != ExitCode::kOk) return outcome;
  *schema = std::move(opened);
  return Outcome::Ok();
}

}  // namespace udsrpc::tools

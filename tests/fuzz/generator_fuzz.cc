// The generator, given any file descriptors that protoc might: bytes as a CodeGeneratorRequest, or files that are made
// of the input's bytes, with comments that say anything. It always makes two files; comments change nothing in them but
// comments, and what is left has its brackets closed.

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/compiler/code_generator.h"
#include "google/protobuf/compiler/plugin.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "proto/generator/generator.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/fuzz_input.h"

namespace udsrpc::fuzz {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using google::protobuf::FileDescriptorProto;
using google::protobuf::FileDescriptorSet;

// Protobuf says why it takes a file not, at length.
class Quiet final : public DescriptorPool::ErrorCollector {
  void AddError(const std::string&, const std::string&, const google::protobuf::Message*, ErrorLocation,
                const std::string&) override {}
};

class Files final : public google::protobuf::compiler::GeneratorContext {
 public:
  google::protobuf::io::ZeroCopyOutputStream* Open(const std::string& name) override {
    FUZZ_CHECK(files_.emplace(name, "").second);
    return new google::protobuf::io::StringOutputStream(&files_[name]);
  }
  const std::map<std::string, std::string>& files() const { return files_; }

 private:
  std::map<std::string, std::string> files_;
};

// The code without its comments and empty lines, as a compiler reads it, whichever takes what for the end of a line.
std::string WithoutComments(absl::string_view code) {
  std::string rest;
  while (!code.empty()) {
    const size_t end = code.find_first_of("\n\r");
    absl::string_view line = code.substr(0, end);
    code.remove_prefix(end == code.npos ? code.size() : end + 1);
    const size_t comment = line.find("//");
    if (comment != line.npos) {
      const absl::string_view text = absl::StripTrailingAsciiWhitespace(line);
      FUZZ_CHECK(!absl::EndsWith(text, "\\") && !absl::EndsWith(text, "?\?/"));  // the next line would belong to it
      line = line.substr(0, comment);
    }
    line = absl::StripTrailingAsciiWhitespace(line);
    if (!line.empty()) absl::StrAppend(&rest, line, "\n");
  }
  return rest;
}

void CheckBrackets(absl::string_view code) {
  std::string open;
  bool in_string = false;
  for (size_t i = 0; i < code.size(); ++i) {
    const char c = code[i];
    FUZZ_CHECK(c == '\n' || absl::ascii_isprint(static_cast<unsigned char>(c)));
    if (c == '"') in_string = !in_string;
    if (in_string) {
      FUZZ_CHECK(c != '\n' && c != '\\');
      continue;
    }
    if (c == '(' || c == '{') open += c == '(' ? ')' : '}';
    if (c != ')' && c != '}') continue;
    FUZZ_CHECK(!open.empty() && open.back() == c);
    open.pop_back();
  }
  FUZZ_CHECK(open.empty() && !in_string);
}

// One that protoc could have been given by a shell: with others even its own output does not compile.
bool HasUsualName(const FileDescriptor& file) {
  for (const char c : std::string(file.name())) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c)) || c == '"' || c == '\\') return false;
  }
  return !absl::StrContains(std::string(file.name()), "//");
}

// What is made of the last file of `set`, or nothing where the set is none.
std::map<std::string, std::string> Generate(const FileDescriptorSet& set) {
  DescriptorPool pool;
  Quiet quiet;
  const FileDescriptor* file = nullptr;
  for (const FileDescriptorProto& proto : set.file()) {
    file = pool.BuildFileCollectingErrors(proto, &quiet);
    if (file == nullptr) return {};
  }
  if (file == nullptr || !HasUsualName(*file)) return {};
  Files files;
  std::string error;
  const generator::Generator generator;
  FUZZ_CHECK(generator.Generate(file, "", &files, &error) && error.empty());
  FUZZ_CHECK(files.files().size() == 2);
  return files.files();
}

void Check(FileDescriptorSet set) {
  const std::map<std::string, std::string> with_comments = Generate(set);
  for (FileDescriptorProto& file : *set.mutable_file()) file.clear_source_code_info();
  const std::map<std::string, std::string> without = Generate(set);
  FUZZ_CHECK(with_comments.size() == without.size());
  for (const auto& [name, code] : with_comments) {
    const auto same = without.find(name);
    FUZZ_CHECK(same != without.end());
    const std::string bare = WithoutComments(code);
    FUZZ_CHECK(bare == WithoutComments(same->second));
    CheckBrackets(bare);
  }
}

// Names that generated code has, or C++, and some that are long.
std::string Name(FuzzInput& input) {
  constexpr const char* kNames[] = {"A",      "B",        "a",       "Async",  "AsyncStub", "Stub",
                                    "class",  "channel_", "Service", "udsrpc", "absl",      "std",
                                    "Status", "context",  "request", "reply",  "int",       "ServerBidi"};
  const uint8_t byte = input.Byte();
  if (byte < 0xA0) return absl::StrCat(kNames[byte % std::size(kNames)], byte < 0x50 ? "" : "_");
  if (byte < 0xC0) return std::string(byte, static_cast<char>('a' + byte % 26));
  std::string name = "n";
  for (const char c : input.Bytes(byte % 8)) name += absl::ascii_isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

// Of up to three parts.
std::string Package(FuzzInput& input) {
  std::string package;
  for (uint32_t parts = input.Below(4); parts > 0; --parts) {
    absl::StrAppend(&package, package.empty() ? "" : ".", Name(input));
  }
  return package;
}

void AddComments(FuzzInput& input, FileDescriptorProto& file, const std::vector<int>& path) {
  auto& location = *file.mutable_source_code_info()->add_location();
  for (const int part : path) location.add_path(part);
  for (int i = 0; i < 3; ++i) location.add_span(i);
  location.set_leading_comments(std::string(input.ShortText()));
  if (input.Flag()) location.set_trailing_comments(std::string(input.ShortText()));
  if (input.Flag()) location.add_leading_detached_comments(std::string(input.ShortText()));
}

void AddMessages(FuzzInput& input, const std::string& package, FileDescriptorProto& file,
                 std::vector<std::string>& types) {
  for (uint32_t left = 1 + input.Below(3); left > 0; --left) {
    auto& message = *file.add_message_type();
    message.set_name(Name(input));
    const std::string full = absl::StrCat(".", package, package.empty() ? "" : ".", message.name());
    types.push_back(full);
    if (!input.Flag()) continue;
    message.add_nested_type()->set_name(Name(input));
    types.push_back(absl::StrCat(full, ".", message.nested_type(0).name()));
  }
}

FileDescriptorSet Build(FuzzInput& input) {
  constexpr int kServiceField = 6;
  constexpr int kMethodField = 2;
  FileDescriptorSet set;
  std::vector<std::string> types;
  const uint32_t count = 1 + input.Below(2);
  for (uint32_t i = 0; i < count; ++i) {
    FileDescriptorProto& file = *set.add_file();
    constexpr const char* kFiles[] = {"f.proto", "d/f.proto", "f", "a-b.c.proto", "d$name$.proto"};
    file.set_name(absl::StrCat(i, kFiles[input.Below(std::size(kFiles))]));
    if (i > 0) file.add_dependency(set.file(0).name());
    file.set_package(Package(input));
    AddMessages(input, file.package(), file, types);
    if (input.Flag()) file.mutable_options()->set_cc_generic_services(true);
    const int services = static_cast<int>(input.Below(3));
    for (int service_index = 0; service_index < services; ++service_index) {
      auto& service = *file.add_service();
      service.set_name(Name(input));
      if (input.Flag()) AddComments(input, file, {kServiceField, service_index});
      const int methods = static_cast<int>(input.Below(5));
      for (int method_index = 0; method_index < methods; ++method_index) {
        auto& method = *service.add_method();
        method.set_name(Name(input));
        method.set_input_type(types[input.Below(static_cast<uint32_t>(types.size()))]);
        method.set_output_type(types[input.Below(static_cast<uint32_t>(types.size()))]);
        const uint8_t flags = input.Byte();
        method.set_client_streaming((flags & 1) != 0);
        method.set_server_streaming((flags & 2) != 0);
        if ((flags & 4) != 0) method.mutable_options()->set_deprecated(true);
        if ((flags & 8) != 0) AddComments(input, file, {kServiceField, service_index, kMethodField, method_index});
      }
    }
  }
  return set;
}

// As protoc's plugins get it.
FileDescriptorSet Request(absl::string_view bytes) {
  google::protobuf::compiler::CodeGeneratorRequest request;
  FileDescriptorSet set;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return set;
  set.mutable_file()->Swap(request.mutable_proto_file());
  return set;
}

}  // namespace
}  // namespace udsrpc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace udsrpc::fuzz;  // NOLINT(google-build-using-namespace)
  FuzzInput input(data, size);
  Check(input.Below(8) == 7 ? Request(input.Rest()) : Build(input));
  return 0;
}

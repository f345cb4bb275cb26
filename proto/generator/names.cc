#include "proto/generator/names.h"

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/compiler/cpp/names.h"
#include "google/protobuf/descriptor.pb.h"
#include "proto/generator/reserved_words.h"

namespace udsrpc::generator {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::ServiceDescriptor;
namespace cpp = google::protobuf::compiler::cpp;

using NameSet = std::set<std::string, std::less<>>;

void AddEnum(const EnumDescriptor& descriptor, NameSet& names) {
  const std::string class_name = cpp::ClassName(&descriptor);
  names.insert(class_name);
  for (int i = 0; i < descriptor.value_count(); ++i) {
    const std::string value = cpp::EnumValueName(descriptor.value(i));
    names.insert(descriptor.containing_type() == nullptr ? value : absl::StrCat(class_name, "_", value));
  }
}

// A nested message is a class Outer_Inner of the namespace, so nested ones count.
void AddMessage(const Descriptor& descriptor, NameSet& names) {
  names.insert(cpp::ClassName(&descriptor));
  for (int i = 0; i < descriptor.enum_type_count(); ++i) AddEnum(*descriptor.enum_type(i), names);
  for (int i = 0; i < descriptor.nested_type_count(); ++i) AddMessage(*descriptor.nested_type(i), names);
}

// Services count because gRPC's x.grpc.pb.h has a class of that name, and protoc's x.pb.h with cc_generic_services
// another one for the stub.
void AddService(const ServiceDescriptor& descriptor, NameSet& names) {
  const auto& name = descriptor.name();
  names.emplace(name);
  if (descriptor.file()->options().cc_generic_services()) names.insert(absl::StrCat(name, "_Stub"));
}

// What the C++ code of `file` declares in the namespace of `package`.
void AddFile(const FileDescriptor& file, std::string_view package, NameSet& names) {
  const auto& own_package = file.package();
  if (own_package == package) {
    for (int i = 0; i < file.message_type_count(); ++i) AddMessage(*file.message_type(i), names);
    for (int i = 0; i < file.enum_type_count(); ++i) AddEnum(*file.enum_type(i), names);
    for (int i = 0; i < file.extension_count(); ++i) names.insert(std::string(file.extension(i)->name()));
    for (int i = 0; i < file.service_count(); ++i) AddService(*file.service(i), names);
    return;
  }
  const std::string prefix = package.empty() ? "" : absl::StrCat(std::string(package), ".");
  if (own_package.starts_with(prefix)) {
    const size_t end = own_package.find('.', prefix.size());
    names.emplace(own_package.substr(prefix.size(), end == own_package.npos ? end : end - prefix.size()));
  }
}

void AddFileAndImports(const FileDescriptor& file, std::string_view package, std::set<const FileDescriptor*>& visited,
                       NameSet& names) {
  if (!visited.insert(&file).second) return;
  AddFile(file, package, names);
  for (int i = 0; i < file.dependency_count(); ++i) AddFileAndImports(*file.dependency(i), package, visited, names);
}

std::string FreeName(std::string name, const NameSet& taken) {
  while (taken.contains(name)) name += '_';
  return name;
}

std::vector<std::string> MemberNames(const ServiceDescriptor& service, const NameSet& reserved) {
  const auto can_stay = [&reserved](const std::string& name) {
    return !IsReservedWord(name) && !reserved.contains(name);
  };
  NameSet taken = reserved;
  for (int i = 0; i < service.method_count(); ++i) taken.insert(std::string(service.method(i)->name()));
  std::vector<std::string> names;
  for (int i = 0; i < service.method_count(); ++i) {
    std::string name(service.method(i)->name());
    if (!can_stay(name)) {
      name = FreeName(std::move(name), taken);
      taken.insert(name);
    }
    names.push_back(std::move(name));
  }
  return names;
}

std::vector<std::string> CoroutineNames(const std::vector<std::string>& methods, std::string_view service_class) {
  NameSet taken(methods.begin(), methods.end());
  taken.emplace(service_class);
  std::vector<std::string> names;
  for (const std::string& method : methods) {
    names.push_back(FreeName(absl::StrCat(method, "Async"), taken));
    taken.insert(names.back());
  }
  return names;
}

}  // namespace

ServiceNames NamesOf(const ServiceDescriptor& service) {
  NameSet taken;
  std::set<const FileDescriptor*> visited;
  AddFileAndImports(*service.file(), std::string(service.file()->package()), visited, taken);

  ServiceNames names;
  const auto& name = service.name();
  names.service_class = FreeName(absl::StrCat(name, "Service"), taken);
  names.stub_class = FreeName(absl::StrCat(name, "Stub"), taken);
  names.service_methods = MemberNames(service, {names.service_class});
  names.service_coroutines = CoroutineNames(names.service_methods, names.service_class);
  names.stub_methods = MemberNames(service, {names.stub_class, "Async", "AsyncStub"});
  names.channel_member = FreeName("channel_", NameSet(names.stub_methods.begin(), names.stub_methods.end()));
  return names;
}

// protoc's own rule for names of packages is not in its public headers, but its names of messages show it.
std::string NamespaceOf(const FileDescriptor& file) {
  google::protobuf::FileDescriptorProto probe;
  probe.set_name("probe.proto");
  probe.set_package(std::string(file.package()));
  probe.add_message_type()->set_name("Probe");
  google::protobuf::DescriptorPool pool;
  const std::string name = cpp::QualifiedClassName(pool.BuildFile(probe)->message_type(0));
  constexpr std::string_view kBefore = "::";
  constexpr std::string_view kAfter = "::Probe";
  return name.size() <= kBefore.size() + kAfter.size()
             ? ""
             : name.substr(kBefore.size(), name.size() - kBefore.size() - kAfter.size());
}

}  // namespace udsrpc::generator

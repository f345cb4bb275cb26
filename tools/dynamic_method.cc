#include "tools/dynamic_method.h"

#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/type_resolver.h"
#include "google/protobuf/util/type_resolver_util.h"
#include "tools/command_line.h"
#include "tools/json.h"

namespace udsrpc::tools {
namespace {

using google::protobuf::Message;
using google::protobuf::ServiceDescriptor;

constexpr char kTypeUrlPrefix[] = "type.googleapis.com";

MethodKind KindOf(const google::protobuf::MethodDescriptor& method) {
  if (method.client_streaming()) {
    return method.server_streaming() ? MethodKind::kBidiStreaming : MethodKind::kClientStreaming;
  }
  return method.server_streaming() ? MethodKind::kServerStreaming : MethodKind::kUnary;
}

struct MethodName {
  std::string service;
  std::string method;
};

// The part behind the last slash, or where there is none behind the last dot, is the method's.
MethodName SplitName(absl::string_view name) {
  size_t at = name.rfind('/');
  if (at == absl::string_view::npos) at = name.rfind('.');
  if (at == absl::string_view::npos) return {.service = "", .method = std::string(name)};
  return {.service = std::string(name.substr(0, at)), .method = std::string(name.substr(at + 1))};
}

// Where no service was named: one that has such a method.
Outcome UnknownMethod(Schema& schema, absl::string_view method) {
  std::vector<std::string> services;
  if (Outcome listed = schema.ListServices(&services); listed.code != ExitCode::kOk) return listed;
  for (const std::string& name : services) {
    const ServiceDescriptor* const service = schema.pool().FindServiceByName(name);
    if (service != nullptr && service->FindMethodByName(std::string(method)) != nullptr) {
      return Outcome::Usage(absl::StrCat(method, " names no service; did you mean ", name, "/", method, "?"));
    }
  }
  return Outcome::Usage(
      absl::StrCat(method, " names no method; it is package.Service/Method, and \"udsrpc list\" shows them"));
}

Outcome UnknownMethodOf(const ServiceDescriptor& service, absl::string_view method) {
  std::vector<absl::string_view> known;
  for (int i = 0; i < service.method_count(); ++i) known.push_back(service.method(i)->name());
  const std::string missing = absl::StrCat("there is no method ", method, " in ", service.full_name());
  const std::string nearest = Nearest(method, known);
  if (!nearest.empty()) {
    return Outcome::Usage(absl::StrCat(missing, "; did you mean ", service.full_name(), "/", nearest, "?"));
  }
  return Outcome::Usage(absl::StrCat(missing, "; it has ", known.empty() ? "none" : absl::StrJoin(known, ", ")));
}

Outcome OnlyAService(const ServiceDescriptor& service) {
  const std::string& name = service.full_name();
  if (service.method_count() == 0) return Outcome::Usage(absl::StrCat(name, " is a service, and it has no methods"));
  return Outcome::Usage(
      absl::StrCat(name, " is a service; name a method of it, such as ", name, "/", service.method(0)->name()));
}

}  // namespace

Outcome DynamicMethod::Find(Schema& schema, absl::string_view name, std::unique_ptr<DynamicMethod>* method) {
  absl::ConsumePrefix(&name, "/") || absl::ConsumePrefix(&name, ".");
  const MethodName split = SplitName(name);
  const ServiceDescriptor* const service =
      split.service.empty() ? nullptr : schema.pool().FindServiceByName(split.service);
  if (service == nullptr) {
    absl::ConsumeSuffix(&name, "/");
    const ServiceDescriptor* const named = name.empty() ? nullptr : schema.pool().FindServiceByName(std::string(name));
    if (Outcome outcome = schema.outcome(); outcome.code != ExitCode::kOk) return outcome;
    if (named != nullptr) return OnlyAService(*named);
    return split.service.empty() ? UnknownMethod(schema, split.method) : schema.UnknownService(split.service);
  }
  if (split.method.empty()) return OnlyAService(*service);
  const google::protobuf::MethodDescriptor* const found = service->FindMethodByName(split.method);
  if (found == nullptr) return UnknownMethodOf(*service, split.method);
  method->reset(new DynamicMethod(schema, *found));
  return Outcome::Ok();
}

DynamicMethod::DynamicMethod(Schema& schema, const google::protobuf::MethodDescriptor& method)
    : schema_(schema),
      method_(method),
      path_(absl::StrCat("/", method.service()->full_name(), "/", method.name())),
      kind_(KindOf(method)) {}

std::unique_ptr<Message> DynamicMethod::NewRequest() const {
  return std::unique_ptr<Message>(schema_.messages().GetPrototype(method_.input_type())->New());
}

std::unique_ptr<Message> DynamicMethod::NewResponse() const {
  return std::unique_ptr<Message>(schema_.messages().GetPrototype(method_.output_type())->New());
}

Outcome DynamicMethod::ParseRequest(absl::string_view json, Message* request) const {
  const std::string& type = method_.input_type()->full_name();
  const std::unique_ptr<google::protobuf::util::TypeResolver> resolver(
      google::protobuf::util::NewTypeResolverForDescriptorPool(kTypeUrlPrefix, &schema_.pool()));
  std::string bytes;
  const google::protobuf::util::Status status = google::protobuf::util::JsonToBinaryString(
      resolver.get(), absl::StrCat(kTypeUrlPrefix, "/", type), std::string(json), &bytes);
  if (!status.ok()) {
    const std::string words = JsonError(status);
    const bool unknown = absl::StrContains(words, "Cannot find field");
    return Outcome::Usage(absl::StrCat("the request is no ", type, " in JSON: ", words,
                                       unknown ? "; \"udsrpc describe\" shows the fields of that message" : ""));
  }
  if (!request->ParsePartialFromString(bytes)) {
    return Outcome::Usage(
        absl::StrCat("the request is no ", type, ": it nests too deep, or has text that is no UTF-8"));
  }
  if (request->IsInitialized()) return Outcome::Ok();
  return Outcome::Usage(
      absl::StrCat("the request lacks required fields of ", type, ": ", request->InitializationErrorString()));
}

std::string AnyToJson(Schema& schema, absl::string_view type_url, const std::string& value) {
  const std::string type(type_url.substr(type_url.rfind('/') + 1));
  std::string json;
  if (const google::protobuf::Descriptor* const descriptor = schema.pool().FindMessageTypeByName(type)) {
    const std::unique_ptr<Message> message(schema.messages().GetPrototype(descriptor)->New());
    if (message->ParseFromString(value) && ToJson(*message, JsonStyle::kCompact, &json).code == ExitCode::kOk) {
      return absl::StrCat(type, " ", json);
    }
  }
  return absl::StrCat(type_url, " ", absl::Base64Escape(value), " (base64)");
}

}  // namespace udsrpc::tools

#include "tools/list.h"

#include <algorithm>
#include <cstdio>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/flags.h"
#include "tools/json.h"
#include "tools/schema.h"
#include "tools/target.h"
#include "tools/terminal.h"

namespace udsrpc::tools {
namespace {

using google::protobuf::ServiceDescriptor;

std::string TypeInSignature(bool stream, const google::protobuf::Descriptor& type) {
  return absl::StrCat(stream ? "stream " : "", type.full_name());
}

std::string Signature(const google::protobuf::MethodDescriptor& method) {
  return absl::StrCat("(", TypeInSignature(method.client_streaming(), *method.input_type()), ") returns (",
                      TypeInSignature(method.server_streaming(), *method.output_type()), ")");
}

void PrintServiceTree(const std::string& name, const ServiceDescriptor* service) {
  std::printf("%s\n", Styled(Style::kBold, Printable(name)).c_str());
  for (int i = 0; service != nullptr && i < service->method_count(); ++i) {
    std::printf("  %s%s\n", service->method(i)->name().c_str(),
                Styled(Style::kDim, Signature(*service->method(i))).c_str());
  }
}

std::string ServiceToJson(const std::string& name, const ServiceDescriptor* service) {
  std::vector<std::string> methods;
  for (int i = 0; service != nullptr && i < service->method_count(); ++i) {
    const google::protobuf::MethodDescriptor& method = *service->method(i);
    methods.push_back(absl::StrCat("{\"method\":", JsonString(absl::StrCat(name, "/", method.name())),
                                   ",\"request\":", JsonString(method.input_type()->full_name()),
                                   ",\"requestStream\":", method.client_streaming() ? "true" : "false",
                                   ",\"response\":", JsonString(method.output_type()->full_name()),
                                   ",\"responseStream\":", method.server_streaming() ? "true" : "false", "}"));
  }
  return absl::StrCat("{\"name\":", JsonString(name), ",\"methods\":[", absl::StrJoin(methods, ","), "]}");
}

// Null and OK: the server lists it, and does not say what it is made of.
Outcome FindListed(Schema& schema, const std::string& name, const ServiceDescriptor** service) {
  *service = schema.pool().FindServiceByName(name);
  return schema.outcome();
}

Outcome PrintServices(Schema& schema, const std::vector<std::string>& names) {
  const bool json = absl::GetFlag(FLAGS_json);
  std::vector<std::string> services;
  for (const std::string& name : names) {
    const ServiceDescriptor* service = nullptr;
    if (Outcome outcome = FindListed(schema, name, &service); outcome.code != ExitCode::kOk) return outcome;
    if (json) {
      services.push_back(ServiceToJson(name, service));
    } else {
      PrintServiceTree(name, service);
    }
  }
  if (json) std::printf("{\"services\":[%s]}\n", absl::StrJoin(services, ",").c_str());
  return Outcome::Ok();
}

// What "udsrpc call" takes, for scripts.
Outcome PrintMethods(Schema& schema, const std::string& name) {
  const ServiceDescriptor* service = nullptr;
  if (Outcome outcome = FindListed(schema, name, &service); outcome.code != ExitCode::kOk) return outcome;
  if (service == nullptr) return schema.UnknownService(name);
  for (int i = 0; i < service->method_count(); ++i) {
    std::printf("%s/%s\n", name.c_str(), service->method(i)->name().c_str());
  }
  return Outcome::Ok();
}

Outcome RunList(const std::vector<std::string>& arguments) {
  std::shared_ptr<Channel> channel;
  if (Outcome outcome = OpenChannel(arguments[0], &channel); outcome.code != ExitCode::kOk) return outcome;
  std::unique_ptr<Schema> schema;
  if (Outcome outcome = OpenSchema(channel, &schema); outcome.code != ExitCode::kOk) return outcome;
  Outcome outcome;
  if (arguments.size() > 1 && !absl::GetFlag(FLAGS_json)) {
    outcome = PrintMethods(*schema, arguments[1]);
  } else {
    std::vector<std::string> names;
    outcome = schema->ListServices(&names);
    if (outcome.code == ExitCode::kOk && arguments.size() > 1) {
      if (std::find(names.begin(), names.end(), arguments[1]) == names.end())
        return schema->UnknownService(arguments[1]);
      names = {arguments[1]};
    }
    if (outcome.code == ExitCode::kOk) outcome = PrintServices(*schema, names);
  }
  schema->Rest();
  return outcome;
}

}  // namespace

Command ListCommand() {
  return {
      .name = "list",
      .arguments = "TARGET [SERVICE]",
      .summary = "List the services of a server, and their methods",
      .description =
          "Prints every service with its methods, what they take and what they return; of SERVICE alone, one method "
          "a line as \"udsrpc call\" takes it.\n\n"
          "The server is asked by server reflection (grpc.reflection.v1, or v1alpha). For one that has none, name "
          "its .proto files with --proto; then nothing is asked.",
      .flags = {"json", "metadata", "proto", "proto_path", "timeout", "transport"},
      .examples = {{"What a server offers", "udsrpc list unix:/run/greeter.sock"},
                   {"The methods of one service", "udsrpc list unix:/run/greeter.sock helloworld.Greeter"}},
      .min_arguments = 1,
      .max_arguments = 2,
      .run = RunList};
}

}  // namespace udsrpc::tools

#include "tools/describe.h"

#include <cstdio>

#include "absl/flags/flag.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "tools/command_line.h"
#include "tools/flags.h"
#include "tools/schema.h"
#include "tools/target.h"

namespace udsrpc::tools {
namespace {

using google::protobuf::DescriptorPool;

// In .proto syntax, with the comments that the .proto files have (reflection leaves them out); empty: there is no such
// thing.
std::string DescribeSymbol(const DescriptorPool& pool, const std::string& symbol) {
  google::protobuf::DebugStringOptions options;
  options.include_comments = true;
  if (const auto* service = pool.FindServiceByName(symbol)) return service->DebugStringWithOptions(options);
  if (const auto* method = pool.FindMethodByName(symbol)) {
    const std::string request = method->input_type()->DebugStringWithOptions(options);
    const std::string response = method->output_type()->DebugStringWithOptions(options);
    return absl::StrCat(absl::StripPrefix(method->DebugStringWithOptions(options), "  "), "\n", request,
                        method->input_type() == method->output_type() ? "" : absl::StrCat("\n", response));
  }
  if (const auto* message = pool.FindMessageTypeByName(symbol)) return message->DebugStringWithOptions(options);
  if (const auto* type = pool.FindEnumTypeByName(symbol)) return type->DebugStringWithOptions(options);
  if (const auto* field = pool.FindFieldByName(symbol)) return field->DebugStringWithOptions(options);
  if (const auto* extension = pool.FindExtensionByName(symbol)) return extension->DebugStringWithOptions(options);
  if (const auto* value = pool.FindEnumValueByName(symbol)) return value->DebugStringWithOptions(options);
  return "";
}

// What the services and the messages next to them are called.
std::vector<std::string> KnownSymbols(const DescriptorPool& pool, const std::vector<std::string>& services) {
  std::vector<std::string> known = services;
  for (const std::string& name : services) {
    const google::protobuf::ServiceDescriptor* const service = pool.FindServiceByName(name);
    if (service == nullptr) continue;
    for (int i = 0; i < service->method_count(); ++i) known.push_back(service->method(i)->full_name());
    const google::protobuf::FileDescriptor& file = *service->file();
    for (int i = 0; i < file.message_type_count(); ++i) known.push_back(file.message_type(i)->full_name());
    for (int i = 0; i < file.enum_type_count(); ++i) known.push_back(file.enum_type(i)->full_name());
  }
  return known;
}

Outcome UnknownSymbol(Schema& schema, const std::string& symbol) {
  std::vector<std::string> services;
  if (Outcome listed = schema.ListServices(&services); listed.code != ExitCode::kOk) return listed;
  const std::vector<std::string> known = KnownSymbols(schema.pool(), services);
  std::string meant = Nearest(symbol, std::vector<absl::string_view>(known.begin(), known.end()));
  for (const std::string& one : known) {
    if (absl::EndsWith(one, absl::StrCat(".", symbol))) meant = one;
  }
  return Outcome::Usage(absl::StrCat(
      "there is nothing of the name ", symbol, " there",
      meant.empty() ? "; \"udsrpc list\" shows the services" : absl::StrCat("; did you mean ", meant, "?")));
}

Outcome RunDescribe(const std::vector<std::string>& arguments) {
  absl::string_view name = arguments[1];
  absl::ConsumePrefix(&name, "/") || absl::ConsumePrefix(&name, ".");
  if (name.empty()) return Outcome::Usage("SYMBOL is empty; \"udsrpc list\" shows the services");
  std::shared_ptr<Channel> channel;
  if (Outcome outcome = OpenChannel(arguments[0], &channel); outcome.code != ExitCode::kOk) return outcome;
  std::unique_ptr<Schema> schema;
  if (Outcome outcome = OpenSchema(channel, &schema); outcome.code != ExitCode::kOk) return outcome;
  const std::string symbol = absl::StrReplaceAll(name, {{"/", "."}});
  std::string text = DescribeSymbol(schema->pool(), symbol);
  Outcome outcome = schema->outcome();
  if (outcome.code == ExitCode::kOk && text.empty()) outcome = UnknownSymbol(*schema, symbol);
  if (outcome.code == ExitCode::kOk) std::printf("%s%s", text.c_str(), absl::EndsWith(text, "\n") ? "" : "\n");
  schema->Rest();
  return outcome;
}

}  // namespace

Command DescribeCommand() {
  return {.name = "describe",
          .arguments = "TARGET SYMBOL",
          .summary = "Show a service, method, message or enum in .proto syntax",
          .description =
              "SYMBOL is a full name, as \"udsrpc list\" shows it: package.Service, package.Service/Method, "
              "package.Message. A method is shown with the messages that it takes and returns.\n\n"
              "The server is asked by server reflection, or --proto names its .proto files: see \"udsrpc help list\".",
          .flags = {"metadata", "proto", "proto_path", "timeout", "transport"},
          .examples = {{"What a call of a method takes", "udsrpc describe @greeter helloworld.Greeter/SayHello"},
                       {"A message", "udsrpc describe @greeter helloworld.HelloRequest"}},
          .min_arguments = 2,
          .max_arguments = 2,
          .run = RunDescribe};
}

}  // namespace udsrpc::tools

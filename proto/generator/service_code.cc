#include "proto/generator/service_code.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/generator/comments.h"
#include "proto/generator/layout.h"
#include "proto/generator/method.h"

namespace udsrpc::generator {
namespace {

using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;
using google::protobuf::io::Printer;

struct Parameter {
  std::string type;
  std::string name;
};

std::vector<Parameter> ParametersOf(const MethodDescriptor& method) {
  const std::string request = RequestType(method);
  const std::string reply = ReplyType(method);
  const Parameter context = {"::udsrpc::ServerContext&", "context"};
  switch (KindOf(method)) {
    case MethodKind::kUnary:
      return {context, {absl::StrCat("const ", request, "&"), "request"}, {absl::StrCat(reply, "&"), "reply"}};
    case MethodKind::kServerStreaming:
      return {context,
              {absl::StrCat("const ", request, "&"), "request"},
              {absl::StrCat("::udsrpc::ServerWriter<", reply, ">&"), "writer"}};
    case MethodKind::kClientStreaming:
      return {context,
              {absl::StrCat("::udsrpc::ServerReader<", request, ">&"), "reader"},
              {absl::StrCat(reply, "&"), "reply"}};
    case MethodKind::kBidiStreaming:
      return {context, {absl::StrCat("::udsrpc::ServerReaderWriter<", reply, ", ", request, ">&"), "stream"}};
  }
  return {};
}

// `maker` with its arguments on one line where that has room, else broken within.
void PrintRegistration(Printer& printer, const std::string& maker, const std::vector<std::string>& arguments) {
  constexpr std::string_view kOpen = "  ::udsrpc::Service::AddMethod(";
  const std::string call = absl::StrCat(maker, absl::StrJoin(arguments, ", "), ")");
  if (FitsOnLine(kOpen, call, ");")) {
    PrintList(printer, kOpen, {call}, ");");
  } else {
    PrintList(printer, absl::StrCat(std::string(kOpen), maker), arguments, "));");
  }
}

}  // namespace

void PrintServiceClass(Printer& printer, const ServiceDescriptor& service, const ServiceNames& names) {
  const Comments comments = CommentsOf(service);
  PrintDetached(printer, "", comments);
  PrintComment(printer, "", comments.attached);
  if (!comments.attached.empty()) printer.Print("//\n");
  printer.Print(
      "// The server's side of $service$.\n"
      "// Derive from it, override its methods and register an object with udsrpc::ServerBuilder. Many threads call\n"
      "// the methods at once. One that is not overridden returns UNIMPLEMENTED.\n"
      "class $class$ : public ::udsrpc::Service {\n"
      " public:\n"
      "  $class$();\n"
      "  ~$class$() override;\n",
      "service", std::string(service.full_name()), "class", names.service_class);
  for (int i = 0; i < service.method_count(); ++i) {
    const Comments method_comments = CommentsOf(*service.method(i));
    printer.Print("\n");
    PrintDetached(printer, "  ", method_comments);
    PrintComment(printer, "  ", method_comments.attached);
    std::vector<std::string> parameters;
    for (const Parameter& parameter : ParametersOf(*service.method(i))) {
      parameters.push_back(absl::StrCat(parameter.type, " ", parameter.name));
    }
    PrintFunction(printer, "  ", "virtual ::absl::Status", names.service_methods[i], parameters, ");");
  }
  printer.Print("};\n");
}

void PrintServiceDefinitions(Printer& printer, const ServiceDescriptor& service, const ServiceNames& names) {
  printer.Print("\n");
  PrintList(printer, absl::StrCat(names.service_class, "::", names.service_class, "() : ::udsrpc::Service("),
            {absl::StrCat("\"", std::string(service.full_name()), "\"")}, service.method_count() == 0 ? ") {}" : ") {");
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& method = *service.method(i);
    PrintRegistration(printer, absl::StrCat("::udsrpc::ServerMethod::", KindName(KindOf(method)), "("),
                      {absl::StrCat("\"", PathOf(method), "\""), "this",
                       absl::StrCat("&", names.service_class, "::", names.service_methods[i])});
  }
  if (service.method_count() > 0) printer.Print("}\n");
  printer.Print("\n$class$::~$class$() = default;\n", "class", names.service_class);

  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& method = *service.method(i);
    std::vector<std::string> parameters;
    for (const Parameter& parameter : ParametersOf(method)) {
      parameters.push_back(absl::StrCat(parameter.type, " /*", parameter.name, "*/"));
    }
    printer.Print("\n");
    PrintFunction(printer, "", "::absl::Status", absl::StrCat(names.service_class, "::", names.service_methods[i]),
                  parameters, ") {");
    PrintList(printer, "  return ::absl::UnimplementedError(",
              {absl::StrCat("\"", PathOf(method), ": the server does not implement this method\"")}, ");");
    printer.Print("}\n");
  }
}

}  // namespace udsrpc::generator

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

// The same for the coroutine, which gets the faces of streams by value.
std::vector<Parameter> CoroutineParametersOf(const MethodDescriptor& method) {
  const std::string request = RequestType(method);
  const std::string reply = ReplyType(method);
  const Parameter context = {"::udsrpc::ServerContext&", "context"};
  switch (KindOf(method)) {
    case MethodKind::kUnary:
      return ParametersOf(method);
    case MethodKind::kServerStreaming:
      return {context,
              {absl::StrCat("const ", request, "&"), "request"},
              {absl::StrCat("::udsrpc::AsyncServerWriter<", reply, ">"), "writer"}};
    case MethodKind::kClientStreaming:
      return {context,
              {absl::StrCat("::udsrpc::AsyncServerReader<", request, ">"), "reader"},
              {absl::StrCat(reply, "&"), "reply"}};
    case MethodKind::kBidiStreaming:
      return {context, {absl::StrCat("::udsrpc::AsyncServerReaderWriter<", reply, ", ", request, ">"), "stream"}};
  }
  return {};
}

constexpr const char* kStatus = "::absl::Status";
constexpr const char* kStatusTask = "::udsrpc::Task<::absl::Status>";

void PrintDeclaration(Printer& printer, const std::string& type, const std::string& name,
                      const std::vector<Parameter>& parameters) {
  std::vector<std::string> printed;
  for (const Parameter& parameter : parameters) printed.push_back(absl::StrCat(parameter.type, " ", parameter.name));
  PrintFunction(printer, "  ", absl::StrCat("virtual ", type), name, printed, ");");
}

// Up to its body.
void PrintDefinition(Printer& printer, const std::string& type, const std::string& name,
                     const std::vector<Parameter>& parameters) {
  std::vector<std::string> printed;
  for (const Parameter& parameter : parameters) {
    printed.push_back(absl::StrCat(parameter.type, " /*", parameter.name, "*/"));
  }
  printer.Print("\n");
  PrintFunction(printer, "", type, name, printed, ") {");
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
      "//\n"
      "// A method may be served by a coroutine, which no thread waits in: then override the function of its name and\n"
      "// \"Async\" instead. What that is given lives until the coroutine has ended. It must not block (docs/ASYNC.md "
      "says\n"
      "// whom that holds up). Where both are overridden the coroutine is asked first, and serves the call unless it "
      "gives\n"
      "// an empty task.\n"
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
    PrintDeclaration(printer, kStatus, names.service_methods[i], ParametersOf(*service.method(i)));
    PrintDeclaration(printer, kStatusTask, names.service_coroutines[i], CoroutineParametersOf(*service.method(i)));
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
                       absl::StrCat("&", names.service_class, "::", names.service_methods[i]),
                       absl::StrCat("&", names.service_class, "::", names.service_coroutines[i])});
  }
  if (service.method_count() > 0) printer.Print("}\n");
  printer.Print("\n$class$::~$class$() = default;\n", "class", names.service_class);

  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& method = *service.method(i);
    PrintDefinition(printer, kStatus, absl::StrCat(names.service_class, "::", names.service_methods[i]),
                    ParametersOf(method));
    PrintList(printer, "  return ::absl::UnimplementedError(",
              {absl::StrCat("\"", PathOf(method), ": the server does not implement this method\"")}, ");");
    printer.Print("}\n");
    PrintDefinition(printer, kStatusTask, absl::StrCat(names.service_class, "::", names.service_coroutines[i]),
                    CoroutineParametersOf(method));
    printer.Print("  return {};\n}\n");
  }
}

}  // namespace udsrpc::generator

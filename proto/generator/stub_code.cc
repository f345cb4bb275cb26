#include "proto/generator/stub_code.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.pb.h"
#include "proto/generator/comments.h"
#include "proto/generator/layout.h"
#include "proto/generator/method.h"

namespace udsrpc::generator {
namespace {

using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;
using google::protobuf::io::Printer;

// The function of one method, and the expression that it returns.
struct StubFunction {
  std::string return_type;
  std::vector<std::string> parameters;
  std::string call;  // of the channel, or of the constructor of a stream, with its opening bracket
  std::vector<std::string> arguments;
};

StubFunction FunctionOf(const MethodDescriptor& method, const std::string& channel) {
  const std::string context = "::udsrpc::ClientContext& context";
  const std::string request = absl::StrCat("const ", RequestType(method), "& request");
  const std::string reply = absl::StrCat(ReplyType(method), "& reply");
  const auto stream_of = [&method](const std::string& face) {
    return absl::StrCat("::udsrpc::", face, "<", RequestType(method), ", ", ReplyType(method), ">");
  };
  const auto start = [&channel](const std::string& first_message) {
    return absl::StrCat(channel, "->StreamingCall(kMethod, context, ", first_message, ")");
  };
  switch (KindOf(method)) {
    case MethodKind::kUnary:
      return {"::absl::Status",
              {context, request, reply},
              absl::StrCat(channel, "->UnaryCall("),
              {"kMethod", "context", "request", "reply"}};
    case MethodKind::kServerStreaming: {
      const std::string reader = absl::StrCat("::udsrpc::ClientReader<", ReplyType(method), ">");
      return {reader, {context, request}, reader + "(", {start("&request")}};
    }
    case MethodKind::kClientStreaming: {
      const std::string writer = stream_of("ClientWriter");
      return {writer, {context, reply}, writer + "(", {start("nullptr"), "reply"}};
    }
    case MethodKind::kBidiStreaming: {
      const std::string stream = stream_of("ClientReaderWriter");
      return {stream, {context}, stream + "(", {start("nullptr")}};
    }
  }
  return {};
}

// The same for the asynchronous stub, which has two for a unary method.
std::vector<StubFunction> AsyncFunctionsOf(const MethodDescriptor& method, const std::string& channel) {
  const std::string context = "::udsrpc::ClientContext& context";
  const std::string request = absl::StrCat("const ", RequestType(method), "& request");
  const auto start = [&channel](const std::string& first_message) {
    return absl::StrCat(channel, "->StartStreamingCall(kMethod, context, ", first_message, ")");
  };
  switch (KindOf(method)) {
    case MethodKind::kUnary: {
      const std::string call = absl::StrCat("::udsrpc::UnaryCall<", ReplyType(method), ">");
      return {{"void",
               {context, request, absl::StrCat(ReplyType(method), "& reply"), "::udsrpc::AsyncUnaryCall::Done done"},
               absl::StrCat(channel, "->UnaryCall("),
               {"kMethod", "context", "request", "reply", "::std::move(done)"}},
              {call, {context, request}, call + "(", {channel, "kMethod", "context", "request"}}};
    }
    case MethodKind::kServerStreaming: {
      const std::string reader = absl::StrCat("::udsrpc::AsyncClientReader<", ReplyType(method), ">");
      return {{reader, {context, request}, reader + "(", {start("&request"), "context"}}};
    }
    case MethodKind::kClientStreaming: {
      const std::string writer =
          absl::StrCat("::udsrpc::AsyncClientWriter<", RequestType(method), ", ", ReplyType(method), ">");
      return {{writer, {context}, writer + "(", {start("nullptr"), "context"}}};
    }
    case MethodKind::kBidiStreaming: {
      const std::string stream =
          absl::StrCat("::udsrpc::AsyncClientReaderWriter<", RequestType(method), ", ", ReplyType(method), ">");
      return {{stream, {context}, stream + "(", {start("nullptr"), "context"}}};
    }
  }
  return {};
}

void PrintStubDefinition(Printer& printer, const std::string& qualified_name, const MethodDescriptor& method,
                         const StubFunction& function) {
  printer.Print("\n");
  PrintFunction(printer, "", function.return_type, qualified_name, function.parameters, ") const {");
  PrintList(
      printer, "  static constexpr ::udsrpc::MethodDescriptor kMethod{",
      {absl::StrCat("\"", PathOf(method), "\""), absl::StrCat("::udsrpc::MethodKind::k", KindName(KindOf(method)))},
      "};");
  PrintList(printer, absl::StrCat("  return ", function.call), function.arguments, ");");
  printer.Print("}\n");
}

bool IsDeprecated(const ServiceDescriptor& service) {
  return service.options().deprecated() || service.file()->options().deprecated();
}

void PrintAsyncStubClass(Printer& printer, const ServiceDescriptor& service, const ServiceNames& names) {
  printer.Print(
      "\n"
      "  // The same calls, which no thread waits for: udsrpc/async_client.h says how each is awaited. A function with "
      "a\n"
      "  // `done` runs that with the call's status, on a thread of the channel's or its executor; until then its "
      "context,\n"
      "  // request and reply must live.\n"
      "  class AsyncStub {\n"
      "   public:\n"
      "    explicit AsyncStub(::std::shared_ptr<::udsrpc::Channel> channel);\n");
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& method = *service.method(i);
    printer.Print("\n");
    for (const StubFunction& function : AsyncFunctionsOf(method, names.channel_member)) {
      PrintFunction(printer, "    ",
                    absl::StrCat(method.options().deprecated() ? "[[deprecated]] " : "", function.return_type),
                    names.stub_methods[i], function.parameters, ") const;");
    }
  }
  printer.Print(
      "\n"
      "   private:\n"
      "    ::std::shared_ptr<::udsrpc::Channel> $channel$;\n"
      "  };\n"
      "  AsyncStub Async() const;\n",
      "channel", names.channel_member);
}

}  // namespace

void PrintStubClass(Printer& printer, const ServiceDescriptor& service, const ServiceNames& names) {
  const Comments comments = CommentsOf(service);
  PrintComment(printer, "", comments.attached);
  if (!comments.attached.empty()) printer.Print("//\n");
  printer.Print(
      "// The client's side of $service$.\n"
      "// Each function makes one call; its context, and the reply of a stream, must outlive that call. Thread-safe.\n"
      "// Copies share the channel and keep it alive.\n"
      "class $class$ {\n"
      " public:\n"
      "  // `channel` must not be null.\n"
      "  $deprecated$explicit $class$(::std::shared_ptr<::udsrpc::Channel> channel);\n"
      "  $class$(const $class$&) = default;\n"
      "  $class$& operator=(const $class$&) = default;\n",
      "service", std::string(service.full_name()), "class", names.stub_class, "deprecated",
      IsDeprecated(service) ? "[[deprecated]] " : "");
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& method = *service.method(i);
    const Comments method_comments = CommentsOf(method);
    printer.Print("\n");
    PrintDetached(printer, "  ", method_comments);
    PrintComment(printer, "  ", method_comments.attached);
    const StubFunction function = FunctionOf(method, names.channel_member);
    PrintFunction(printer, "  ",
                  absl::StrCat(method.options().deprecated() ? "[[deprecated]] " : "", function.return_type),
                  names.stub_methods[i], function.parameters, ") const;");
  }
  PrintAsyncStubClass(printer, service, names);
  printer.Print(
      "\n"
      " private:\n"
      "  ::std::shared_ptr<::udsrpc::Channel> $channel$;\n"
      "};\n",
      "channel", names.channel_member);
}

void PrintStubDefinitions(Printer& printer, const ServiceDescriptor& service, const ServiceNames& names) {
  printer.Print(
      "\n$class$::$class$(::std::shared_ptr<::udsrpc::Channel> channel) : $channel$(::std::move(channel)) {}\n",
      "class", names.stub_class, "channel", names.channel_member);
  printer.Print(
      "\n$class$::AsyncStub::AsyncStub(::std::shared_ptr<::udsrpc::Channel> channel) : "
      "$channel$(::std::move(channel)) {}\n"
      "\n$class$::AsyncStub $class$::Async() const { return AsyncStub($channel$); }\n",
      "class", names.stub_class, "channel", names.channel_member);
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& method = *service.method(i);
    const StubFunction function = FunctionOf(method, names.channel_member);
    PrintStubDefinition(printer, absl::StrCat(names.stub_class, "::", names.stub_methods[i]), method, function);
  }
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& method = *service.method(i);
    for (const StubFunction& function : AsyncFunctionsOf(method, names.channel_member)) {
      PrintStubDefinition(printer, absl::StrCat(names.stub_class, "::AsyncStub::", names.stub_methods[i]), method,
                          function);
    }
  }
}

}  // namespace udsrpc::generator

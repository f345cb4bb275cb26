#include "tools/call.h"

#include <cstdio>
#include <optional>
#include <thread>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tools/dynamic_method.h"
#include "tools/flags.h"
#include "tools/interruption.h"
#include "tools/json.h"
#include "tools/line_input.h"
#include "tools/schema.h"
#include "tools/target.h"
#include "tools/terminal.h"

ABSL_FLAG(bool, verbose, false, "Print the metadata of both ways, and the status, to standard error");

namespace udsrpc::tools {
namespace {

using google::protobuf::Message;

void PrintCallMetadata(absl::string_view direction, const Metadata& metadata) {
  if (!absl::GetFlag(FLAGS_verbose)) return;
  for (const auto& [key, value] : metadata) {
    const std::string shown = absl::EndsWith(key, "-bin") ? absl::Base64Escape(value) : Printable(value);
    std::fprintf(stderr, "%s\n", StyledForError(Style::kDim, absl::StrCat(direction, " ", key, ": ", shown)).c_str());
  }
}

// One call of a method, of whatever kind, from its requests in JSON to its responses in JSON.
class JsonCall {
 public:
  JsonCall(std::shared_ptr<Channel> channel, Schema& schema, const DynamicMethod& method)
      : channel_(std::move(channel)), schema_(schema), method_(method) {}

  // `json`: the only request; "-" or nothing: those of standard input, as far as the method takes them.
  Outcome Run(const std::optional<std::string>& json) {
    if (Outcome outcome = PrepareContext(&context_); outcome.code != ExitCode::kOk) return outcome;
    std::unique_ptr<Message> request;
    if (ReadsOneRequest(method_.kind()) || (json && *json != "-")) {
      request = method_.NewRequest();
      const std::string text = !json ? "{}" : *json == "-" ? input_.Rest() : *json;
      if (Outcome outcome = method_.ParseRequest(text, request.get()); outcome.code != ExitCode::kOk) return outcome;
    }
    const Interruption interruption([this] { context_.Cancel(); });
    PrintCallMetadata(">", context_.metadata());
    const absl::Status status = method_.kind() == MethodKind::kUnary ? CallUnary(*request) : Stream(request.get());
    PrintCallMetadata("<", context_.server_trailing_metadata());
    if (outcome_.code != ExitCode::kOk) return outcome_;
    if (interruption.interrupted() && absl::IsCancelled(status)) {
      return interruption.Interrupted("interrupted; the call was cancelled");
    }
    return Conclude(status);
  }

 private:
  absl::Status CallUnary(const Message& request) {
    const std::unique_ptr<Message> response = method_.NewResponse();
    absl::Status status = channel_->UnaryCall(method_.descriptor(), context_, request, *response);
    PrintCallMetadata("<", context_.server_initial_metadata());
    if (status.ok()) Print(*response);
    return status;
  }

  // `request`: the only one; null: standard input has them.
  absl::Status Stream(const Message* request) {
    const bool one_request = ReadsOneRequest(method_.kind());
    stream_ = channel_->StreamingCall(method_.descriptor(), context_, one_request ? request : nullptr);
    std::thread sender;
    if (request == nullptr) {
      sender = std::thread([this] { SendInput(); });
    } else if (!one_request) {
      stream_->Write(*request, /*last=*/true);
    }
    if (absl::GetFlag(FLAGS_verbose)) {
      stream_->WaitForInitialMetadata();
      PrintCallMetadata("<", context_.server_initial_metadata());
    }
    const std::unique_ptr<Message> response = method_.NewResponse();
    while (stream_->Read(*response)) {
      if (!Print(*response)) context_.Cancel();
    }
    input_.Stop();
    if (sender.joinable()) sender.join();
    absl::Status status = stream_->Finish();
    if (send_outcome_.code != ExitCode::kOk) outcome_ = send_outcome_;
    return status;
  }

  // On a thread of its own, beside the reading of responses.
  void SendInput() {
    std::string line;
    bool sent = false;
    while (input_.Next(&line)) {
      if (absl::StripAsciiWhitespace(line).empty()) continue;
      const std::unique_ptr<Message> request = method_.NewRequest();
      send_outcome_ = method_.ParseRequest(line, request.get());
      if (send_outcome_.code != ExitCode::kOk) {
        // Once something was sent, something was done.
        if (sent) send_outcome_.code = ExitCode::kFailed;
        send_outcome_.message =
            absl::StrCat("line ", input_.number(), ": ", send_outcome_.message, sent ? "; the call was cancelled" : "");
        return context_.Cancel();
      }
      if (!stream_->Write(*request, /*last=*/false)) return;
      sent = true;
    }
    stream_->WritesDone();
  }

  // False: it cannot be shown.
  bool Print(const Message& response) {
    const bool one = WritesOneResponse(method_.kind()) && !absl::GetFlag(FLAGS_json);
    std::string json;
    if (Outcome shown = ToJson(response, one ? JsonStyle::kPretty : JsonStyle::kCompact, &json);
        shown.code != ExitCode::kOk) {
      if (outcome_.code == ExitCode::kOk) outcome_ = std::move(shown);
      return false;
    }
    std::printf("%s%s", json.c_str(), absl::EndsWith(json, "\n") ? "" : "\n");
    if (FlushOutput()) return true;
    if (outcome_.code == ExitCode::kOk) outcome_ = Outcome::Failed(OutputErrorText());
    return false;
  }

  Outcome Conclude(const absl::Status& status) {
    if (absl::GetFlag(FLAGS_verbose)) {
      const Style style = status.ok() ? Style::kGreen : Style::kRed;
      const std::string code = absl::StatusCodeToString(status.code());
      std::fprintf(stderr, "%s\n", StyledForError(style, absl::StrCat("status: ", code)).c_str());
    }
    if (status.ok()) return Outcome::Ok();
    status.ForEachPayload([this](absl::string_view type_url, const absl::Cord& value) {
      const std::string detail = AnyToJson(schema_, type_url, std::string(value));
      std::fprintf(stderr, "detail: %s\n", Printable(absl::StrReplaceAll(detail, {{"\n", " "}})).c_str());
    });
    return CallOutcome(channel_->target(), status);
  }

  const std::shared_ptr<Channel> channel_;
  Schema& schema_;
  const DynamicMethod& method_;
  ClientContext context_;
  LineInput input_;
  std::unique_ptr<ClientStream> stream_;
  Outcome outcome_;
  Outcome send_outcome_;  // the sending thread's, until it has ended
};

Outcome RunCall(const std::vector<std::string>& arguments) {
  std::shared_ptr<Channel> channel;
  ChannelOptions options;
  options.max_receive_message_bytes = kMaxResponseBytes;
  if (Outcome outcome = OpenChannel(arguments[0], &channel, options); outcome.code != ExitCode::kOk) return outcome;
  std::unique_ptr<Schema> schema;
  if (Outcome outcome = OpenSchema(channel, &schema); outcome.code != ExitCode::kOk) return outcome;
  std::unique_ptr<DynamicMethod> method;
  Outcome found = DynamicMethod::Find(*schema, arguments[1], &method);
  schema->Rest();
  if (found.code != ExitCode::kOk) return found;
  std::optional<std::string> json;
  if (arguments.size() > 2) json = arguments[2];
  Outcome outcome = JsonCall(channel, *schema, *method).Run(json);
  schema->Rest();
  return outcome;
}

}  // namespace

Command CallCommand() {
  return {
      .name = "call",
      .arguments = "TARGET METHOD [JSON]",
      .summary = "Call a method, with its request and response as JSON",
      .description =
          "METHOD is package.Service/Method; \"udsrpc list\" shows them. JSON is the request, in protobuf's JSON; "
          "without it the request is empty, and \"-\" reads it from standard input. A method that takes a stream "
          "reads one request a line from standard input, and half-closes at its end; with JSON it is sent that "
          "one.\n\n"
          "A response is printed as JSON, those of a stream one a line, as they come. What goes wrong is said on "
          "standard error, with the details of the status. Ctrl-C cancels the call.\n\n"
          "The server is asked for its methods by server reflection, or --proto names its .proto files: see "
          "\"udsrpc help list\".",
      .flags = {"json", "metadata", "proto", "proto_path", "timeout", "transport", "verbose"},
      .examples = {{"A call", "udsrpc call unix:/run/greeter.sock helloworld.Greeter/SayHello '{\"name\": \"you\"}'"},
                   {"A stream of requests, and of answers, for as long as you type",
                    "udsrpc call @chat chat.Chat/Talk --timeout=inf"},
                   {"A server without reflection",
                    "udsrpc call @greeter helloworld.Greeter/SayHello --proto=greeter.proto --proto_path=examples"}},
      .min_arguments = 2,
      .max_arguments = 3,
      .run = RunCall};
}

}  // namespace udsrpc::tools

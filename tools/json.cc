#include "tools/json.h"

#include <cstdio>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/struct.pb.h"

namespace udsrpc::tools {
namespace {

using google::protobuf::Message;

// The parser's words in one line: what is wrong, and behind that, with a caret beneath, where.
std::string JsonErrorInOneLine(absl::string_view words) {
  absl::ConsumePrefix(&words, ": ");  // of the field, where it is the message itself
  const std::vector<absl::string_view> lines = absl::StrSplit(words, '\n');
  if (lines.size() < 3) return std::string(absl::StripSuffix(absl::StrJoin(lines, " "), "."));
  const absl::string_view text = lines[lines.size() - 2];
  const size_t caret = lines.back().find('^');
  if (caret == absl::string_view::npos) return absl::StrJoin(lines, " ");
  const std::string what(absl::StripSuffix(lines[0], "."));
  if (caret >= text.size()) return absl::StrCat(what, ", at the end", text.empty() ? "" : " of ", text);
  return absl::StrCat(what, ", at ", text.substr(caret));
}

}  // namespace

Outcome ToJson(const Message& message, JsonStyle style, std::string* json) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = style == JsonStyle::kPretty;
  json->clear();
  const google::protobuf::util::Status status = google::protobuf::util::MessageToJsonString(message, json, options);
  if (status.ok()) return Outcome::Ok();
  return Outcome::Failed(
      absl::StrCat("a message cannot be shown as JSON: ", JsonError(status), "; it is ", message.ShortDebugString()));
}

Outcome PrintReport(const Message& report) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const google::protobuf::util::Status status = google::protobuf::util::MessageToJsonString(report, &json, options);
  if (!status.ok()) return Outcome::Failed(absl::StrCat("the report cannot be shown as JSON: ", JsonError(status)));
  std::fputs(json.c_str(), stdout);
  return Outcome::Ok();
}

std::string JsonString(absl::string_view text) {
  google::protobuf::Value value;
  value.set_string_value(std::string(text));
  std::string json;
  return ToJson(value, JsonStyle::kCompact, &json).code == ExitCode::kOk ? json : "\"\"";
}

std::string JsonError(const google::protobuf::util::Status& status) {
  return JsonErrorInOneLine({status.message().data(), static_cast<size_t>(status.message().size())});
}

}  // namespace udsrpc::tools

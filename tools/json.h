#ifndef UDSRPC_TOOLS_JSON_H_
#define UDSRPC_TOOLS_JSON_H_

#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "google/protobuf/util/json_util.h"
#include "tools/exit_code.h"

namespace udsrpc::tools {

// `message` as protobuf's JSON: on one line, or indented and with a newline at its end.
enum class JsonStyle { kCompact, kPretty };
Outcome ToJson(const google::protobuf::Message& message, JsonStyle style, std::string* json);

// What a command reports with --json, indented: every field that is known, by its name in the .proto file.
Outcome PrintReport(const google::protobuf::Message& report);

// `text` as a string of JSON, with its quotes.
std::string JsonString(absl::string_view text);

// What protobuf's JSON parser says is wrong, in one line.
std::string JsonError(const google::protobuf::util::Status& status);

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_JSON_H_

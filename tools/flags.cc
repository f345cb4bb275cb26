#include "tools/flags.h"

#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

ABSL_FLAG(udsrpc::tools::Color, color, udsrpc::tools::Color::kAuto,
          "auto, always or never; auto: where the output is a terminal and NO_COLOR is not set");
ABSL_FLAG(bool, help, false, "Show what the command does and takes");
ABSL_FLAG(bool, json, false, "Print JSON, for programs to read");
ABSL_FLAG(udsrpc::tools::MetadataFlag, metadata, {},
          "\"key: value\" to send with the call; may be given more than once. The value of a key that ends in -bin is "
          "base64");
ABSL_FLAG(absl::Duration, timeout, absl::Seconds(10), "How long the call may take, as in 500ms or 1m; inf: for ever");
ABSL_FLAG(udsrpc::Transport, transport, udsrpc::Transport::kAuto,
          "grpc, seqpacket or auto; auto: seqpacket where the server offers it, else gRPC");

namespace udsrpc::tools {
namespace {

constexpr absl::string_view kRepeatable = "metadata";

}  // namespace

bool AbslParseFlag(absl::string_view text, MetadataFlag* flag, std::string* error) {
  flag->entries.clear();
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> entry = absl::StrSplit(line, absl::MaxSplits(':', 1));
    const absl::string_view key = absl::StripAsciiWhitespace(entry.first);
    if (key.empty() || !absl::StrContains(line, ":")) {
      *error = "it must be \"key: value\"";
      return false;
    }
    flag->entries.emplace_back(absl::AsciiStrToLower(key), absl::StripAsciiWhitespace(entry.second));
  }
  return true;
}

std::string AbslUnparseFlag(const MetadataFlag& flag) {
  std::string text;
  for (const auto& [key, value] : flag.entries) absl::StrAppend(&text, text.empty() ? "" : "\n", key, ": ", value);
  return text;
}

bool AbslParseFlag(absl::string_view text, Color* color, std::string* error) {
  for (const Color one : {Color::kAuto, Color::kAlways, Color::kNever}) {
    if (text != AbslUnparseFlag(one)) continue;
    *color = one;
    return true;
  }
  *error = "it must be auto, always or never";
  return false;
}

std::string AbslUnparseFlag(Color color) {
  switch (color) {
    case Color::kAuto:
      return "auto";
    case Color::kAlways:
      return "always";
    case Color::kNever:
      break;
  }
  return "never";
}

FlagHelp DescribeFlag(absl::string_view name) {
  const absl::CommandLineFlag& flag = *absl::FindCommandLineFlag(name);
  FlagHelp help{
      .name = std::string(name), .text = flag.Help(), .default_value = "", .is_switch = flag.IsOfType<bool>()};
  if (!help.is_switch) help.default_value = flag.DefaultValue();
  if (name == "color") help.values = {"auto", "always", "never"};
  if (name == "format") help.values = {"table", "json", "prometheus"};
  if (name == "transport") help.values = {"auto", "grpc", "seqpacket"};
  return help;
}

namespace {

// What it has to be, where the flag library only says that it is not.
absl::string_view ExpectedOf(const absl::CommandLineFlag& flag) {
  if (flag.IsOfType<absl::Duration>()) return "it must be a duration, as in 500ms or 1m, or inf";
  if (flag.IsOfType<int>()) return "it must be a whole number";
  if (flag.IsOfType<double>()) return "it must be a number";
  if (flag.IsOfType<bool>()) return "it must be true or false";
  return "it cannot be that";
}

// Sets it to exactly that.
bool ParseFlag(absl::CommandLineFlag& flag, const std::string& value, std::string* error) {
  std::string words;
  if (flag.ParseFrom(value, &words)) return true;
  // Which value of which flag that is, the caller says.
  const absl::string_view own =
      absl::StripPrefix(words, absl::StrCat("Illegal value '", value, "' specified for flag '", flag.Name(), "'"));
  const absl::string_view reason = absl::StripPrefix(own, "; ");
  *error = std::string(reason.empty() ? ExpectedOf(flag) : reason);
  return false;
}

}  // namespace

bool SetFlag(absl::CommandLineFlag& flag, const std::string& value, std::string* error) {
  if (flag.Name() == "timeout") {
    if (!ParseFlag(flag, value, error)) return false;
    if (absl::GetFlag(FLAGS_timeout) > absl::ZeroDuration()) return true;
    *error = "it must be above 0";
    return false;
  }
  if (flag.IsOfType<std::vector<std::string>>() && !flag.CurrentValue().empty()) {
    return flag.ParseFrom(absl::StrCat(flag.CurrentValue(), ",", value), error);
  }
  if (flag.Name() != kRepeatable) return ParseFlag(flag, value, error);
  if (value.find('\n') != std::string::npos) {
    *error = "it must be one line";
    return false;
  }
  MetadataFlag alone;
  if (!AbslParseFlag(value, &alone, error)) return false;
  return flag.ParseFrom(absl::StrCat(flag.CurrentValue(), "\n", value), error);
}

}  // namespace udsrpc::tools

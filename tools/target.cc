#include "tools/target.h"

#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tools/flags.h"

namespace udsrpc::tools {
namespace {

// "NOT_FOUND: no such thing".
std::string OneLine(const absl::Status& status) {
  std::string line = absl::StrCat(absl::StatusCodeToString(status.code()), ": ", status.message());
  return absl::StrReplaceAll(line, {{"\r", " "}, {"\n", " "}});
}

}  // namespace

std::string CanonicalTarget(absl::string_view target) {
  if (absl::StartsWith(target, "@")) return absl::StrCat("unix-abstract:", target.substr(1));
  if (absl::StartsWith(target, "/") || absl::StartsWith(target, "./") || absl::StartsWith(target, "../")) {
    return absl::StrCat("unix:", target);
  }
  return std::string(target);
}

Outcome OpenChannel(absl::string_view target, std::shared_ptr<Channel>* channel, ChannelOptions options) {
  options.transport = absl::GetFlag(FLAGS_transport);
  absl::StatusOr<std::shared_ptr<Channel>> made = CreateChannel(CanonicalTarget(target), options);
  if (!made.ok()) {
    return Outcome::Usage(absl::StrCat(made.status().message(),
                                       "; a target is unix:PATH, unix-abstract:NAME, a path with a slash, or @NAME"));
  }
  *channel = *std::move(made);
  return Outcome::Ok();
}

Outcome PrepareContext(ClientContext* context) {
  context->set_timeout(absl::GetFlag(FLAGS_timeout));
  for (const auto& [key, text] : absl::GetFlag(FLAGS_metadata).entries) {
    std::string value = text;
    if (absl::EndsWith(key, "-bin") && !absl::Base64Unescape(text, &value)) {
      return Outcome::Usage(absl::StrCat("--metadata: the value of ", key, " is not base64"));
    }
    if (absl::Status status = context->AddMetadata(key, value); !status.ok()) {
      return Outcome::Usage(absl::StrCat("--metadata: ", status.message()));
    }
  }
  return Outcome::Ok();
}

Outcome CallOutcome(absl::string_view target, const absl::Status& status) {
  const std::string line = OneLine(status);
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      if (absl::StrContains(line, "Permission denied")) {
        return Outcome::Unreachable(absl::StrCat(line, "; try as another user, or ask who runs the server"));
      }
      return Outcome::Unreachable(absl::StrCat(line, "; \"udsrpc ps\" lists the servers that run"));
    case absl::StatusCode::kDeadlineExceeded:
      return Outcome::Unreachable(
          absl::StrCat(line, "; give it more time with --timeout, unless the socket is of something else"));
    case absl::StatusCode::kPermissionDenied:
      return Outcome::Unreachable(absl::StrCat(line, "; try as another user, or ask who runs the server at ", target));
    default:
      return Outcome::Failed(line);
  }
}

}  // namespace udsrpc::tools

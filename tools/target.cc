#include "tools/target.h"

#include <sys/stat.h>

#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "common/src/remote_target.h"
#include "tools/flags.h"
#include "udsrpc/endpoint.h"

namespace udsrpc::tools {
namespace {

// "NOT_FOUND: no such thing".
std::string OneLine(const absl::Status& status) {
  std::string line = absl::StrCat(absl::StatusCodeToString(status.code()), ": ", status.message());
  return absl::StrReplaceAll(line, {{"\r\n", " "}, {"\r", " "}, {"\n", " "}});
}

// How targets begin that are no path, whether this program can do with them or not.
bool HasTargetScheme(absl::string_view target) {
  for (const absl::string_view scheme : {"unix:", "unix-abstract:", "http:", "https:", "vsock:", "xds:"}) {
    if (absl::StartsWith(target, scheme)) return true;
  }
  return RemoteTarget::HasScheme(target);
}

bool IsSocket(const std::string& path) {
  struct stat file;
  return stat(path.c_str(), &file) == 0 && S_ISSOCK(file.st_mode);
}

// What may be seen of the file at a path that could not be connected to; empty: nothing.
std::string AdviceOfFile(const std::string& path, const std::string& line) {
  struct stat file;
  if (stat(path.c_str(), &file) == 0 && !S_ISSOCK(file.st_mode)) {
    return "what is there is no socket; \"udsrpc ps\" lists the servers that run";
  }
  absl::string_view without = path;
  if (absl::ConsumeSuffix(&without, ".seqpacket") && IsSocket(path)) {
    return absl::StrCat("name the endpoint without .seqpacket, as in unix:", without);
  }
  const Transport transport = absl::GetFlag(FLAGS_transport);
  if (absl::StrContains(line, "No such file")) {
    if (transport == Transport::kSeqpacket && IsSocket(path)) {
      return "the server does not offer this transport; leave out --transport=seqpacket";
    }
    if (transport == Transport::kGrpc && IsSocket(path + ".seqpacket")) {
      return "the server does not offer this transport; leave out --transport=grpc";
    }
  }
  return "";
}

// What to try where nobody could be asked.
std::string AdviceOf(absl::string_view target, const std::string& line) {
  if (absl::StrContains(line, "Permission denied") || absl::StrContains(line, "Operation not permitted")) {
    return "try as another user, or ask who runs the server";
  }
  const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(CanonicalTarget(target));
  if (endpoint.ok() && endpoint->kind() == Endpoint::Kind::kPath) {
    if (std::string advice = AdviceOfFile(endpoint->address(), line); !advice.empty()) return advice;
  }
  for (const absl::string_view sign : {"rong type", "Failed parsing HTTP/2", "Broken pipe", "broke the protocol"}) {
    if (!absl::StrContains(line, sign)) continue;
    return absl::StrCat("something that is no gRPC server listens there; \"udsrpc ps ", target, "\" shows who");
  }
  if (absl::StrContains(line, "closed the connection") || absl::StrContains(line, "SETTINGS frame")) {
    return absl::StrCat("\"udsrpc ps ", target, "\" shows who listens there");
  }
  return "\"udsrpc ps\" lists the servers that run";
}

}  // namespace

std::string CanonicalTarget(absl::string_view target) {
  if (absl::StartsWith(target, "@")) return absl::StrCat("unix-abstract:", target.substr(1));
  if (absl::StrContains(target, "/") && !HasTargetScheme(target)) return absl::StrCat("unix:", target);
  return std::string(target);
}

std::string WithoutAdvice(absl::string_view message) {
  std::string line(absl::StripSuffix(message, "."));
  const size_t at = line.rfind("; ");
  if (at == std::string::npos) return line;
  const absl::string_view advice = absl::string_view(line).substr(at + 2);
  const bool is_cause = absl::StrContains(line, "cannot connect") && absl::StartsWith(advice, "is ");
  if (!is_cause && !absl::StartsWith(advice, "ask the server's owner ")) return line;
  // The system's words for it, in parentheses, are no advice.
  const size_t end = line.find(" (", at);
  return line.erase(at, end == std::string::npos ? end : end - at);
}

Outcome BadTarget(absl::string_view target, const absl::Status& status) {
  if (!target.empty() && target.find_first_of(":/@") == absl::string_view::npos) {
    return Outcome::Usage(
        absl::StrCat("\"", target, "\" is no target: a path has a slash; did you mean ./", target, "?"));
  }
  absl::string_view what(status.message().data(), status.message().size());
  const size_t forms = what.find("; write unix:");
  if (forms == absl::string_view::npos && absl::StrContains(what, "; ")) return Outcome::Usage(std::string(what));
  return Outcome::Usage(absl::StrCat(what.substr(0, forms),
                                     "; a target is unix:PATH, unix-abstract:NAME, a path with a slash, or @NAME"));
}

Outcome CheckOfThisHost(absl::string_view target) {
  if (!RemoteTarget::HasScheme(target)) return Outcome::Ok();
  return Outcome::Usage(
      absl::StrCat(target, ": udsrpc asks servers of this host only; for others use grpcurl, or the like"));
}

Outcome OpenChannel(absl::string_view target, std::shared_ptr<Channel>* channel, ChannelOptions options) {
  if (Outcome checked = CheckOfThisHost(target); checked.code != ExitCode::kOk) return checked;
  options.transport = absl::GetFlag(FLAGS_transport);
  absl::StatusOr<std::shared_ptr<Channel>> made = CreateChannel(CanonicalTarget(target), options);
  if (!made.ok()) return BadTarget(target, made.status());
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
      return Outcome::Unreachable(absl::StrCat(WithoutAdvice(line), "; ", AdviceOf(target, line)));
    case absl::StatusCode::kDeadlineExceeded:
      return Outcome::Unreachable(absl::StrCat(
          WithoutAdvice(line), "; give it more time with --timeout, unless the socket is of something else"));
    case absl::StatusCode::kPermissionDenied:
      return Outcome::Unreachable(
          absl::StrCat(WithoutAdvice(line), "; try as another user, or ask who runs the server at ", target));
    default:
      return Outcome::Failed(line);
  }
}

}  // namespace udsrpc::tools

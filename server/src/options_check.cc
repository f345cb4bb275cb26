#include "server/src/options_check.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace udsrpc {
namespace {

// More do not help anybody, and each takes two threads and two descriptors.
constexpr int kMaxEventLoops = 256;

bool IsValid(const UserLimits& limits) {
  return limits.max_connections >= 1 && limits.max_calls >= 1 && limits.max_bytes >= 1;
}

}  // namespace

absl::Status CheckOptions(const ServerOptions& options) {
  if (options.max_handler_threads < 1) {
    return absl::InvalidArgumentError("ServerOptions::max_handler_threads must be at least 1");
  }
  if (options.event_loops < 0 || options.event_loops > kMaxEventLoops) {
    return absl::InvalidArgumentError(absl::StrCat("ServerOptions::event_loops is ", options.event_loops,
                                                   "; it must be 0, for the default, to ", kMaxEventLoops));
  }
  if (options.max_connection_age < absl::Milliseconds(1)) {
    return absl::InvalidArgumentError("ServerOptions::max_connection_age must be at least a millisecond");
  }
  bool valid = IsValid(options.user_limits) && IsValid(options.remote_limits);
  for (const auto& [uid, limits] : options.user_limits_of) valid = valid && IsValid(limits);
  if (!valid) {
    return absl::InvalidArgumentError(
        "a limit of ServerOptions::user_limits, user_limits_of or remote_limits is below 1");
  }
  return absl::OkStatus();
}

absl::Status CheckOptions(absl::string_view target, const EndpointOptions& options) {
  if (!options.grpc && !options.seqpacket) {
    return absl::InvalidArgumentError(
        absl::StrCat(target, ": it offers no transport; set EndpointOptions::grpc or ::seqpacket"));
  }
  if ((options.mode & ~mode_t{0777}) != 0) {
    return absl::InvalidArgumentError(absl::StrCat(target, ": EndpointOptions::mode is ", options.mode,
                                                   ", which is over 0777; write it in octal, as in 0660"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Endpoint> ParseEndpoint(const std::string& target) {
  if (!RemoteTarget::HasScheme(target)) return Endpoint::Parse(target);
  return absl::InvalidArgumentError(absl::StrCat(
      "endpoint \"", target, "\": it is no Unix socket, so it needs credentials; add it by AddRemoteEndpoint"));
}

absl::StatusOr<RemoteEndpoint> ParseRemote(const std::string& address,
                                           const std::shared_ptr<const ServerCredentials>& credentials) {
  absl::StatusOr<RemoteTarget> target = RemoteTarget::ParseListening(address);
  if (!target.ok()) return target.status();
  if (credentials == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(target->ToString(),
                     ": a remote endpoint needs credentials, as the kernel does not say who calls; pass "
                     "GrpcCredentials(grpc::SslServerCredentials(...)) of udsrpc/grpc_server_credentials.h to "
                     "AddRemoteEndpoint"));
  }
  return RemoteEndpoint{.target = *std::move(target), .credentials = credentials};
}

}  // namespace udsrpc

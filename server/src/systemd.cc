#include "udsrpc/systemd.h"

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace udsrpc {
namespace {

// The names of the sockets that were passed, in the order of their descriptors.
absl::StatusOr<std::vector<std::string>> TakePassedNames() {
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(/*unset_environment=*/1, &names);
  std::vector<std::string> taken;
  for (int i = 0; i < count; ++i) {
    taken.emplace_back(names[i]);
    std::free(names[i]);
  }
  std::free(names);
  if (count >= 0) return taken;
  return absl::InvalidArgumentError(
      absl::StrCat("cannot take the sockets that systemd passed: ", std::generic_category().message(-count),
                   "; LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES are to be what systemd sets, or not to be there"));
}

}  // namespace

absl::StatusOr<int> AddSystemdSockets(ServerBuilder& builder, const SystemdSocketOptions& options) {
  const absl::StatusOr<std::vector<std::string>> names = TakePassedNames();
  if (!names.ok()) return names.status();
  int added = 0;
  for (size_t i = 0; i < names->size(); ++i) {
    std::optional<EndpointOptions> chosen = options((*names)[i]);
    if (!chosen.has_value()) continue;
    builder.AddListeningSocket(UniqueFd(SD_LISTEN_FDS_START + static_cast<int>(i)), *std::move(chosen));
    ++added;
  }
  return added;
}

absl::StatusOr<int> AddSystemdSockets(ServerBuilder& builder, const EndpointOptions& options) {
  return AddSystemdSockets(builder, [&options](absl::string_view) { return options; });
}

bool NotifySystemdReady() {
  return sd_notify(/*unset_environment=*/0, absl::StrCat("READY=1\nMAINPID=", getpid()).c_str()) > 0;
}

bool NotifySystemdStopping() { return sd_notify(/*unset_environment=*/0, "STOPPING=1") > 0; }

}  // namespace udsrpc

#include "common/src/stream/outgoing_fds.h"

#include "absl/strings/str_cat.h"

namespace udsrpc {

absl::Status CheckOutgoingFds(absl::string_view path, const std::vector<UniqueFd>& fds, size_t accepted,
                              absl::string_view peer, absl::string_view option) {
  if (accepted == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": a message has descriptors and the ", peer, " accepts none; set ", option, " there"));
  }
  if (fds.size() > accepted) {
    return absl::ResourceExhaustedError(absl::StrCat(path, ": a message has ", fds.size(), " descriptors and the ",
                                                     peer, " accepts ", accepted, "; send fewer, or raise ", option,
                                                     " there"));
  }
  for (const UniqueFd& fd : fds) {
    if (!fd.valid()) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": a message has a descriptor that is not valid"));
    }
  }
  return absl::OkStatus();
}

}  // namespace udsrpc

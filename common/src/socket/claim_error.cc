#include "common/src/socket/claim_error.h"

#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace udsrpc {

absl::Status ClaimError(const Endpoint& endpoint, absl::string_view what, int error) {
  const std::string text = absl::StrCat(endpoint.ToString(), ": ", what, ": ", std::generic_category().message(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(absl::StrCat(text, "; create the directory first",
                                              access("/proc/self/fd", X_OK) == 0 ? "" : ", and mount /proc"));
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(
          absl::StrCat(text, "; choose a directory that this user may read and write, or change its permissions"));
    case EMFILE:
    case ENFILE:
      return absl::ResourceExhaustedError(absl::StrCat(text, "; raise the limit of open files"));
    default:
      return absl::InternalError(text);
  }
}

}  // namespace udsrpc

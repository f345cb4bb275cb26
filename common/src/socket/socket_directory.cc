#include "common/src/socket/socket_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/src/socket/claim_error.h"

namespace udsrpc {
absl::StatusOr<std::shared_ptr<SocketDirectory>> SocketDirectory::Open(const Endpoint& endpoint,
                                                                       const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat directory;
  if (!fd.valid() || fstat(fd.get(), &directory) != 0) {
    return ClaimError(endpoint, absl::StrCat("cannot use the directory ", path), errno);
  }
  if ((directory.st_mode & S_IWOTH) != 0 && (directory.st_mode & S_ISVTX) == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(endpoint.ToString(), ": everybody may write the directory ", path,
                     ", and so put a socket of their own in this one's place; make it writable by its owner only "
                     "(chmod o-w), or sticky as /tmp is (chmod +t), or choose another"));
  }
  return std::shared_ptr<SocketDirectory>(new SocketDirectory(endpoint, std::move(fd), path));
}

absl::StatusOr<SocketDirectory::Lock> SocketDirectory::AwaitLock(absl::Duration patience) {
  const absl::Time give_up = absl::Now() + patience;
  while (flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return ClaimError(endpoint_, absl::StrCat("cannot lock the directory ", path_), errno);
    }
    if (absl::Now() > give_up) {
      return absl::UnavailableError(absl::StrCat(endpoint_.ToString(), ": another process keeps the directory ", path_,
                                                 " locked; find it with lslocks"));
    }
    absl::SleepFor(absl::Milliseconds(1));  // flock(2) can only wait without a bound
  }
  return Lock(fd_.get());
}

SocketDirectory::Lock::~Lock() {
  if (directory_ >= 0) flock(directory_, LOCK_UN);
}

}  // namespace udsrpc

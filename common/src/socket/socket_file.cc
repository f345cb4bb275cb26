#include "common/src/socket/socket_file.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/src/socket/claim_error.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {
namespace {

// A claim takes microseconds; who holds the lock for longer is no claimer. What is left is stale, and no more.
constexpr absl::Duration kRemovalPatience = absl::Milliseconds(100);

// A socket's file before anybody may use it.
bool IsAsMade(const struct stat& file) {
  return S_ISSOCK(file.st_mode) && (file.st_mode & 0777) == 0 && file.st_uid == geteuid();
}

}  // namespace

int ChangeFileMode(int fd, mode_t mode) {
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452  // of Linux 6.6, and newer than Debian 12's headers
#endif
  if (syscall(SYS_fchmodat2, fd, "", mode, AT_EMPTY_PATH) == 0) return 0;
  return chmod(absl::StrCat("/proc/self/fd/", fd).c_str(), mode) == 0 ? 0 : errno;
}

absl::StatusOr<SocketFile> SocketFile::Bind(int socket, const Endpoint& endpoint, const SocketAddress& address,
                                            const Permissions& permissions,
                                            std::shared_ptr<SocketDirectory> directory) {
  SocketFile file(std::move(directory), address.file_name());
  absl::Status status = file.Make(socket, endpoint, address);
  if (status.ok()) status = file.TakePossession(endpoint, permissions);
  if (status.ok()) return file;
  file.RemoveLocked();
  return status;
}

absl::Status SocketFile::Make(int socket, const Endpoint& endpoint, const SocketAddress& address) const {
  if (unlinkat(directory_->fd(), name_.c_str(), 0) != 0 && errno != ENOENT) {
    return ClaimError(endpoint, absl::StrCat("cannot remove the stale socket ", address.path()), errno);
  }
  // The file gets the socket's own mode, less the umask, when bind makes it.
  if (fchmod(socket, 0) != 0) return ClaimError(endpoint, "cannot set the socket's mode", errno);
  // By its path, which tools then show, wherever that can be.
  const SocketAddress reachable = address.is_long() ? address.InDirectory(directory_->fd()) : address;
  if (bind(socket, reachable.get(), reachable.size()) == 0) return absl::OkStatus();
  if (errno != EADDRINUSE) return ClaimError(endpoint, absl::StrCat("cannot create ", reachable.path()), errno);
  return absl::AlreadyExistsError(absl::StrCat(endpoint.ToString(), ": something else appeared at ", address.path(),
                                               " meanwhile; choose another path"));
}

absl::Status SocketFile::TakePossession(const Endpoint& endpoint, const Permissions& permissions) {
  // What is done is done to this very file, whatever somebody who may write the directory puts in its place.
  const UniqueFd made(openat(directory_->fd(), name_.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat file;
  if (!made.valid() || fstat(made.get(), &file) != 0) {
    const int error = errno;
    // It is to be removed all the same.
    if (fstatat(directory_->fd(), name_.c_str(), &file, AT_SYMLINK_NOFOLLOW) == 0 && IsAsMade(file)) {
      identity_ = {.device = file.st_dev, .inode = file.st_ino};
    }
    return ClaimError(endpoint, absl::StrCat("cannot find ", name_, " where it was made"), error);
  }
  if (!IsAsMade(file)) {
    return absl::AlreadyExistsError(absl::StrCat(endpoint.ToString(), ": somebody has replaced ", name_,
                                                 " meanwhile; choose a directory that only this user may write"));
  }
  identity_ = {.device = file.st_dev, .inode = file.st_ino};
  constexpr auto kUnchanged = static_cast<uid_t>(-1);
  if ((permissions.owner.has_value() || permissions.group.has_value()) &&
      fchownat(made.get(), "", permissions.owner.value_or(kUnchanged), permissions.group.value_or(kUnchanged),
               AT_EMPTY_PATH) != 0) {
    if (errno != EPERM) return ClaimError(endpoint, absl::StrCat("cannot set the owner of ", name_), errno);
    return absl::PermissionDeniedError(
        absl::StrCat(endpoint.ToString(), ": this user may not give ", name_,
                     " away; only root may change its owner, and who is in a group may name that as its group"));
  }
  const int error = ChangeFileMode(made.get(), permissions.mode);
  if (error != 0) return ClaimError(endpoint, absl::StrCat("cannot set the mode of ", name_), error);
  return absl::OkStatus();
}

std::unique_ptr<SocketFile> SocketFile::Find(const Endpoint& endpoint, const SocketAddress& address,
                                             const Identity& identity) {
  absl::StatusOr<std::shared_ptr<SocketDirectory>> directory = SocketDirectory::Open(endpoint, address.directory());
  struct stat found;
  if (!directory.ok() || fstatat((*directory)->fd(), address.file_name().c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0 ||
      Identity{.device = found.st_dev, .inode = found.st_ino} != identity) {
    return nullptr;
  }
  std::unique_ptr<SocketFile> file(new SocketFile(*std::move(directory), address.file_name()));
  file->identity_ = identity;
  file->owned_ = false;
  return file;
}

void SocketFile::RemoveLocked() {
  const std::shared_ptr<SocketDirectory> directory = std::move(directory_);
  if (directory == nullptr) return;
  struct stat file;
  if (owned_ && fstatat(directory->fd(), name_.c_str(), &file, AT_SYMLINK_NOFOLLOW) == 0 &&
      Identity{.device = file.st_dev, .inode = file.st_ino} == identity_) {
    unlinkat(directory->fd(), name_.c_str(), 0);
  }
}

SocketFile::~SocketFile() {
  if (directory_ == nullptr || !owned_) return;
  // Without the lock somebody might replace the file, which nobody listens on any more, just before it is removed.
  const std::shared_ptr<SocketDirectory> directory = directory_;
  const absl::StatusOr<SocketDirectory::Lock> lock = directory->AwaitLock(kRemovalPatience);
  if (lock.ok()) RemoveLocked();
}

}  // namespace udsrpc

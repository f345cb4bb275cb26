#include "server/src/listening_socket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/src/socket/socket.h"

namespace udsrpc {
namespace {

// A claim takes microseconds; who holds the lock for so long is no claimer.
constexpr absl::Duration kLockPatience = absl::Seconds(2);

std::string ErrnoText(int error) { return std::generic_category().message(error); }

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Of a failed system call about `endpoint`.
absl::Status SystemError(const Endpoint& endpoint, absl::string_view what, int error) {
  const std::string text = absl::StrCat(endpoint.ToString(), ": ", what, ": ", ErrnoText(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(absl::StrCat(text, "; create the directory first"));
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

// Connects to see who listens. OK: nobody does. ALREADY_EXISTS: somebody, named by pid where the kernel knows it.
absl::Status CheckNobodyListens(const Endpoint& endpoint, const SocketAddress& address, SocketKind kind) {
  int error;
  const absl::StatusOr<UniqueFd> probe = ConnectSocket(address, kind, absl::ZeroDuration(), &error);
  if (!probe.ok() && (error == ECONNREFUSED || error == ENOENT)) return absl::OkStatus();
  if (!probe.ok() && (error == EACCES || error == EPERM)) {
    return SystemError(endpoint, absl::StrCat("cannot find out who listens at ", address.ToString()), error);
  }
  std::string holder = "another process";
  if (probe.ok()) {
    const absl::StatusOr<PeerCredentials> credentials = GetPeerCredentials(probe->get());
    if (credentials.ok() && credentials->pid > 0) holder = absl::StrCat("process ", credentials->pid);
  }
  return absl::AlreadyExistsError(absl::StrCat(endpoint.ToString(), ": ", holder, " listens at ", address.ToString(),
                                               "; stop it, or choose another endpoint"));
}

// The lock lives as long as the descriptor.
absl::StatusOr<UniqueFd> LockDirectory(const Endpoint& endpoint, const std::string& directory) {
  UniqueFd fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return SystemError(endpoint, absl::StrCat("cannot use the directory ", directory), errno);
  const absl::Time give_up = absl::Now() + kLockPatience;
  while (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return SystemError(endpoint, absl::StrCat("cannot lock the directory ", directory), errno);
    }
    if (absl::Now() > give_up) {
      return absl::UnavailableError(absl::StrCat(endpoint.ToString(), ": another process keeps the directory ",
                                                 directory, " locked; find it with lslocks"));
    }
    absl::SleepFor(absl::Milliseconds(1));  // flock(2) can only wait without a bound
  }
  return fd;
}

// Removes a socket file that nobody listens on. OK: the path is free.
absl::Status RemoveStaleSocket(const Endpoint& endpoint, const SocketAddress& address, SocketKind kind) {
  struct stat file;
  if (lstat(address.path().c_str(), &file) != 0) {
    if (errno == ENOENT) return absl::OkStatus();
    return SystemError(endpoint, absl::StrCat("cannot look at ", address.path()), errno);
  }
  if (!S_ISSOCK(file.st_mode)) {
    return absl::AlreadyExistsError(absl::StrCat(endpoint.ToString(), ": ", address.path(),
                                                 " exists and is no socket; remove it, or choose another path"));
  }
  if (absl::Status status = CheckNobodyListens(endpoint, address, kind); !status.ok()) return status;
  if (unlink(address.path().c_str()) != 0 && errno != ENOENT) {
    return SystemError(endpoint, absl::StrCat("cannot remove the stale socket ", address.path()), errno);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ListeningSocket> ListeningSocket::Open(const Endpoint& endpoint, SocketKind kind, mode_t mode) {
  absl::StatusOr<SocketAddress> address = SocketAddress::Of(endpoint, kind);
  if (!address.ok()) return address.status();
  return endpoint.kind() == Endpoint::Kind::kAbstract ? OpenAbstract(endpoint, *address, kind)
                                                      : OpenPath(endpoint, *address, kind, mode);
}

absl::StatusOr<ListeningSocket> ListeningSocket::OpenAbstract(const Endpoint& endpoint, const SocketAddress& address,
                                                              SocketKind kind) {
  absl::StatusOr<UniqueFd> fd = OpenSocket(kind);
  if (!fd.ok()) return fd.status();
  if (bind(fd->get(), address.get(), address.size()) != 0) {
    const int error = errno;
    if (error != EADDRINUSE) return SystemError(endpoint, "cannot bind", error);
    absl::Status status = CheckNobodyListens(endpoint, address, kind);
    if (!status.ok()) return status;
    return absl::AlreadyExistsError(
        absl::StrCat(endpoint.ToString(), ": another process holds the name; choose another one"));
  }
  if (listen(fd->get(), SOMAXCONN) != 0) return SystemError(endpoint, "cannot listen", errno);
  return ListeningSocket(*std::move(fd), "", 0, 0);
}

absl::StatusOr<ListeningSocket> ListeningSocket::OpenPath(const Endpoint& endpoint, const SocketAddress& address,
                                                          SocketKind kind, mode_t mode) {
  const std::string& path = address.path();
  const absl::StatusOr<UniqueFd> lock = LockDirectory(endpoint, DirectoryOf(path));
  if (!lock.ok()) return lock.status();
  if (absl::Status status = RemoveStaleSocket(endpoint, address, kind); !status.ok()) return status;

  absl::StatusOr<UniqueFd> fd = OpenSocket(kind);
  if (!fd.ok()) return fd.status();
  // The file gets the socket's own mode, less the umask, when bind makes it.
  if (fchmod(fd->get(), mode) != 0) return SystemError(endpoint, "cannot set the socket's mode", errno);
  if (bind(fd->get(), address.get(), address.size()) != 0) {
    if (errno == EADDRINUSE) {
      return absl::AlreadyExistsError(
          absl::StrCat(endpoint.ToString(), ": something else appeared at ", path, " meanwhile; choose another path"));
    }
    return SystemError(endpoint, absl::StrCat("cannot create ", path), errno);
  }
  struct stat file;
  if (lstat(path.c_str(), &file) != 0) return SystemError(endpoint, absl::StrCat("cannot look at ", path), errno);
  ListeningSocket socket(*std::move(fd), path, file.st_dev, file.st_ino);
  if ((file.st_mode & 07777) != mode && chmod(path.c_str(), mode) != 0) {
    return SystemError(endpoint, absl::StrCat("cannot set the mode of ", path), errno);
  }
  if (listen(socket.fd(), SOMAXCONN) != 0) return SystemError(endpoint, "cannot listen", errno);
  return socket;
}

ListeningSocket::~ListeningSocket() {
  if (!fd_.valid() || path_.empty()) return;
  struct stat file;
  if (lstat(path_.c_str(), &file) == 0 && file.st_dev == device_ && file.st_ino == inode_) unlink(path_.c_str());
}

}  // namespace udsrpc

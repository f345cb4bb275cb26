#include "common/src/socket/socket_holder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/src/socket/claim_error.h"
#include "common/src/socket/socket.h"
#include "common/src/socket/socket_file.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {
namespace {

// Where the path's file is in the very directory that is open, by /proc; the path itself where that cannot be said.
SocketAddress Within(int directory, const SocketAddress& address) {
  const bool can_be_said = address.file_name().size() <= kMaxNameOfLongPathBytes && access("/proc/self/fd", X_OK) == 0;
  return can_be_said ? address.InDirectory(directory) : address;
}

// As CheckPathIsFree, of a socket file that this user may connect to.
absl::Status CheckReachableIsFree(const Endpoint& endpoint, const SocketAddress& address, SocketKind kind,
                                  const SocketAddress& reachable) {
  absl::Status status = CheckNobodyListens(endpoint, address, kind, reachable);
  if (!status.ok() || !IsSocketBoundAt(reachable)) return status;
  return absl::AlreadyExistsError(absl::StrCat(endpoint.ToString(), ": a socket that does not listen is bound to ",
                                               address.path(),
                                               ": a client's own end, or that of a server which starts "
                                               "or ends; choose another endpoint, or try again"));
}

// As CheckPathIsFree, of a socket file.
absl::Status CheckSocketIsFree(const Endpoint& endpoint, const SocketAddress& address, SocketKind kind, int directory) {
  const SocketAddress reachable = Within(directory, address);
  absl::Status status = CheckReachableIsFree(endpoint, address, kind, reachable);
  if (!absl::IsPermissionDenied(status)) return status;
  // Its server was killed before the file had its mode, or it has one with which not even its owner may connect.
  const UniqueFd own(openat(directory, address.file_name().c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat file;
  if (!own.valid() || fstat(own.get(), &file) != 0 || !S_ISSOCK(file.st_mode) || file.st_uid != geteuid() ||
      (file.st_mode & S_IWUSR) != 0 || ChangeFileMode(own.get(), (file.st_mode & 07777) | S_IWUSR) != 0) {
    return status;
  }
  status = CheckReachableIsFree(endpoint, address, kind, reachable);
  ChangeFileMode(own.get(), file.st_mode & 07777);
  return status;
}

}  // namespace

absl::Status CheckNobodyListens(const Endpoint& endpoint, const SocketAddress& address, SocketKind kind,
                                const SocketAddress& reachable) {
  int error;
  const absl::StatusOr<UniqueFd> probe = ConnectSocket(reachable, kind, absl::ZeroDuration(), &error);
  if (!probe.ok() && error == ECONNREFUSED) return absl::OkStatus();
  if (!probe.ok() && error == 0) return probe.status();
  if (!probe.ok() && error != EPROTOTYPE && error != EAGAIN) {
    return ClaimError(endpoint, absl::StrCat("cannot find out who listens at ", address.ToString()), error);
  }
  std::string holder = "another process";
  if (probe.ok()) {
    const absl::StatusOr<PeerCredentials> credentials = GetPeerCredentials(probe->get());
    if (credentials.ok() && credentials->pid > 0) holder = absl::StrCat("process ", credentials->pid);
  }
  return absl::AlreadyExistsError(absl::StrCat(endpoint.ToString(), ": ", holder, " listens at ", address.ToString(),
                                               "; stop it, or choose another endpoint"));
}

absl::Status CheckPathIsFree(const Endpoint& endpoint, const SocketAddress& address, SocketKind kind, int directory) {
  struct stat file;
  if (fstatat(directory, address.file_name().c_str(), &file, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return absl::OkStatus();
    return ClaimError(endpoint, absl::StrCat("cannot look at ", address.path()), errno);
  }
  if (S_ISSOCK(file.st_mode)) {
    const absl::Status status = CheckSocketIsFree(endpoint, address, kind, directory);
    // Its server may have removed it just now, if that is one that takes no lock.
    const bool gone = absl::IsNotFound(status) &&
                      fstatat(directory, address.file_name().c_str(), &file, AT_SYMLINK_NOFOLLOW) != 0 &&
                      errno == ENOENT;
    return gone ? absl::OkStatus() : status;
  }
  return absl::AlreadyExistsError(absl::StrCat(endpoint.ToString(), ": ", address.path(),
                                               " exists and is no socket; remove it, or choose another path"));
}

}  // namespace udsrpc

#include "server/src/listening_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/src/socket/socket.h"
#include "server/src/claim_error.h"
#include "server/src/inherited_socket.h"

namespace udsrpc {
namespace {

// A claim takes microseconds; who holds the lock for so long is no claimer. What is left is stale, and no more.
constexpr absl::Duration kClaimPatience = absl::Seconds(2);
constexpr absl::Duration kRemovalPatience = absl::Milliseconds(100);

// The kernel chooses among a million names; a name's other socket type may be taken, though hardly again and again.
constexpr int kAutobindAttempts = 16;

// Of what a descriptor of any kind refers to.
int ChangeMode(int fd, mode_t mode) {
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452  // of Linux 6.6, and newer than Debian 12's headers
#endif
  if (syscall(SYS_fchmodat2, fd, "", mode, AT_EMPTY_PATH) == 0) return 0;
  return chmod(absl::StrCat("/proc/self/fd/", fd).c_str(), mode) == 0 ? 0 : errno;
}

// Connects to see who listens at `reachable`, which is `address`. OK: nobody does. ALREADY_EXISTS: somebody, named by
// pid where the kernel knows it.
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

// Where the path's file is in the very directory that is open, by /proc; the path itself where that cannot be said.
SocketAddress Within(int directory, const SocketAddress& address) {
  const bool can_be_said = address.file_name().size() <= kMaxNameOfLongPathBytes && access("/proc/self/fd", X_OK) == 0;
  return can_be_said ? address.InDirectory(directory) : address;
}

// The same of a socket file in `directory`.
absl::Status CheckNobodyListensAt(const Endpoint& endpoint, const SocketAddress& address, SocketKind kind,
                                  int directory) {
  const SocketAddress reachable = Within(directory, address);
  absl::Status status = CheckNobodyListens(endpoint, address, kind, reachable);
  if (!absl::IsPermissionDenied(status)) return status;
  // Its server was killed before the file had its mode, or it has one with which not even its owner may connect.
  const UniqueFd own(openat(directory, address.file_name().c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat file;
  if (!own.valid() || fstat(own.get(), &file) != 0 || !S_ISSOCK(file.st_mode) || file.st_uid != geteuid() ||
      (file.st_mode & S_IWUSR) != 0 || ChangeMode(own.get(), (file.st_mode & 07777) | S_IWUSR) != 0) {
    return status;
  }
  status = CheckNobodyListens(endpoint, address, kind, reachable);
  ChangeMode(own.get(), file.st_mode & 07777);
  return status;
}

// OK: nothing is there, or a socket file that nobody listens on.
absl::Status CheckClaimable(const Endpoint& endpoint, const SocketAddress& address, SocketKind kind, int directory) {
  struct stat file;
  if (fstatat(directory, address.file_name().c_str(), &file, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return absl::OkStatus();
    return ClaimError(endpoint, absl::StrCat("cannot look at ", address.path()), errno);
  }
  if (S_ISSOCK(file.st_mode)) {
    const absl::Status status = CheckNobodyListensAt(endpoint, address, kind, directory);
    // Its server may have removed it just now, if that is one that takes no lock.
    const bool gone = absl::IsNotFound(status) &&
                      fstatat(directory, address.file_name().c_str(), &file, AT_SYMLINK_NOFOLLOW) != 0 &&
                      errno == ENOENT;
    return gone ? absl::OkStatus() : status;
  }
  return absl::AlreadyExistsError(absl::StrCat(endpoint.ToString(), ": ", address.path(),
                                               " exists and is no socket; remove it, or choose another path"));
}

absl::Status ListenOn(const Endpoint& endpoint, const std::vector<ListeningSocket>& sockets) {
  for (const ListeningSocket& socket : sockets) {
    if (listen(socket.fd(), SOMAXCONN) != 0) return ClaimError(endpoint, "cannot listen", errno);
  }
  return absl::OkStatus();
}

// Binds to a name that the kernel chooses.
absl::StatusOr<Endpoint> Autobind(int fd) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socklen_t size = sizeof(address);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return absl::ResourceExhaustedError("the kernel has no abstract name left to choose");
  }
  return Endpoint::FromAbstractName(
      absl::string_view(address.sun_path + 1, size - offsetof(sockaddr_un, sun_path) - 1));
}

}  // namespace

absl::StatusOr<ListeningSocket::Claimed> ListeningSocket::Open(const Endpoint& endpoint,
                                                               const std::vector<SocketKind>& kinds,
                                                               const EndpointOptions& options) {
  absl::StatusOr<Sockets> sockets =
      endpoint.kind() == Endpoint::Kind::kPath ? OpenPaths(endpoint, kinds, options) : BindNames(endpoint, kinds);
  if (!sockets.ok()) return sockets.status();
  if (endpoint.kind() == Endpoint::Kind::kAbstract) {
    if (absl::Status status = ListenOn(endpoint, *sockets); !status.ok()) return status;
  }
  return Claimed{.endpoint = endpoint, .sockets = *std::move(sockets)};
}

absl::StatusOr<std::vector<ListeningSocket>> ListeningSocket::BindNames(const Endpoint& endpoint,
                                                                        const std::vector<SocketKind>& kinds) {
  Sockets sockets;
  for (const SocketKind kind : kinds) {
    const absl::StatusOr<SocketAddress> address = SocketAddress::Of(endpoint, kind);
    if (!address.ok()) return address.status();
    absl::StatusOr<UniqueFd> fd = OpenSocket(kind);
    if (!fd.ok()) return fd.status();
    if (bind(fd->get(), address->get(), address->size()) != 0) {
      if (errno != EADDRINUSE) return ClaimError(endpoint, "cannot bind", errno);
      absl::Status status = CheckNobodyListens(endpoint, *address, kind, *address);
      if (!status.ok()) return status;
      return absl::AlreadyExistsError(
          absl::StrCat(endpoint.ToString(), ": another process holds the name; choose another one"));
    }
    sockets.push_back(ListeningSocket(*std::move(fd), kind));
  }
  return sockets;
}

absl::StatusOr<ListeningSocket::Claimed> ListeningSocket::OpenAutobound(const std::vector<SocketKind>& kinds) {
  for (int attempt = 1;; ++attempt) {
    absl::StatusOr<UniqueFd> fd = OpenSocket(kinds.front());
    if (!fd.ok()) return fd.status();
    const absl::StatusOr<Endpoint> endpoint = Autobind(fd->get());
    if (!endpoint.ok()) return endpoint.status();
    absl::StatusOr<Sockets> others = BindNames(*endpoint, {kinds.begin() + 1, kinds.end()});
    if (absl::IsAlreadyExists(others.status()) && attempt < kAutobindAttempts) continue;
    if (!others.ok()) return others.status();
    Claimed bound{.endpoint = *endpoint, .sockets = *std::move(others)};
    bound.sockets.push_back(ListeningSocket(*std::move(fd), kinds.front()));
    if (absl::Status status = ListenOn(*endpoint, bound.sockets); !status.ok()) return status;
    return bound;
  }
}

absl::StatusOr<std::vector<ListeningSocket>> ListeningSocket::OpenPaths(const Endpoint& endpoint,
                                                                        const std::vector<SocketKind>& kinds,
                                                                        const EndpointOptions& options) {
  std::vector<SocketAddress> addresses;
  for (const SocketKind kind : kinds) {
    absl::StatusOr<SocketAddress> address = SocketAddress::Of(endpoint, kind);
    if (!address.ok()) return address.status();
    addresses.push_back(*std::move(address));
  }
  return OpenPathsAt(endpoint, kinds, addresses, options);
}

absl::StatusOr<ListeningSocket> ListeningSocket::OpenControl(const Endpoint& path, const EndpointOptions& options) {
  // Where an endpoint's stream socket would be: the path as it is.
  const absl::StatusOr<SocketAddress> address = SocketAddress::Of(path, SocketKind::kStream);
  if (!address.ok()) return address.status();
  absl::StatusOr<Sockets> sockets = OpenPathsAt(path, {SocketKind::kSeqpacket}, {*address}, options);
  if (!sockets.ok()) return sockets.status();
  return std::move(sockets->front());
}

absl::StatusOr<std::vector<ListeningSocket>> ListeningSocket::OpenPathsAt(const Endpoint& endpoint,
                                                                          const std::vector<SocketKind>& kinds,
                                                                          const std::vector<SocketAddress>& addresses,
                                                                          const EndpointOptions& options) {
  const absl::StatusOr<std::shared_ptr<SocketDirectory>> directory =
      SocketDirectory::Open(endpoint, addresses.front().directory());
  if (!directory.ok()) return directory.status();
  const absl::StatusOr<SocketDirectory::Lock> lock = (*directory)->AwaitLock(kClaimPatience);
  if (!lock.ok()) return lock.status();

  absl::Status status;
  for (size_t i = 0; i < kinds.size() && status.ok(); ++i) {
    status = CheckClaimable(endpoint, addresses[i], kinds[i], (*directory)->fd());
  }
  Sockets sockets;
  for (size_t i = 0; i < kinds.size() && status.ok(); ++i) {
    status = Bind(endpoint, kinds[i], addresses[i], options, *directory, sockets);
  }
  if (status.ok()) status = ListenOn(endpoint, sockets);
  if (status.ok()) return sockets;
  for (ListeningSocket& socket : sockets) socket.RemoveFile();
  return status;
}

absl::Status ListeningSocket::Bind(const Endpoint& endpoint, SocketKind kind, const SocketAddress& address,
                                   const EndpointOptions& options, const std::shared_ptr<SocketDirectory>& directory,
                                   Sockets& sockets) {
  const std::string name = address.file_name();
  if (unlinkat(directory->fd(), name.c_str(), 0) != 0 && errno != ENOENT) {
    return ClaimError(endpoint, absl::StrCat("cannot remove the stale socket ", address.path()), errno);
  }
  absl::StatusOr<UniqueFd> fd = OpenSocket(kind);
  if (!fd.ok()) return fd.status();
  // The file gets the socket's own mode, less the umask, when bind makes it.
  if (fchmod(fd->get(), 0) != 0) return ClaimError(endpoint, "cannot set the socket's mode", errno);
  // By its path, which tools then show, wherever that can be.
  const SocketAddress reachable = address.is_long() ? address.InDirectory(directory->fd()) : address;
  if (bind(fd->get(), reachable.get(), reachable.size()) != 0) {
    if (errno != EADDRINUSE) return ClaimError(endpoint, absl::StrCat("cannot create ", reachable.path()), errno);
    return absl::AlreadyExistsError(absl::StrCat(endpoint.ToString(), ": something else appeared at ", address.path(),
                                                 " meanwhile; choose another path"));
  }
  ListeningSocket& socket = sockets.emplace_back(ListeningSocket(*std::move(fd), kind));
  socket.directory_ = directory;
  socket.file_ = name;
  return socket.TakePossession(endpoint, options);
}

absl::Status ListeningSocket::TakePossession(const Endpoint& endpoint, const EndpointOptions& options) {
  // What is done is done to this very file, whatever somebody who may write the directory puts in its place.
  const UniqueFd made(openat(directory_->fd(), file_.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat file;
  if (!made.valid() || fstat(made.get(), &file) != 0) {
    return ClaimError(endpoint, absl::StrCat("cannot find ", file_, " where it was made"), errno);
  }
  if (!S_ISSOCK(file.st_mode) || (file.st_mode & 0777) != 0 || file.st_uid != geteuid()) {
    return absl::AlreadyExistsError(absl::StrCat(endpoint.ToString(), ": somebody has replaced ", file_,
                                                 " meanwhile; choose a directory that only this user may write"));
  }
  device_ = file.st_dev;
  inode_ = file.st_ino;
  owns_file_ = true;
  constexpr auto kUnchanged = static_cast<uid_t>(-1);
  if ((options.owner.has_value() || options.group.has_value()) &&
      fchownat(made.get(), "", options.owner.value_or(kUnchanged), options.group.value_or(kUnchanged), AT_EMPTY_PATH) !=
          0) {
    if (errno != EPERM) return ClaimError(endpoint, absl::StrCat("cannot set the owner of ", file_), errno);
    return absl::PermissionDeniedError(
        absl::StrCat(endpoint.ToString(), ": this user may not give ", file_,
                     " away; only root may change its owner, and who is in a group may name that as its group"));
  }
  const int error = ChangeMode(made.get(), options.mode);
  if (error != 0) return ClaimError(endpoint, absl::StrCat("cannot set the mode of ", file_), error);
  return absl::OkStatus();
}

void ListeningSocket::RemoveFile() {
  struct stat file;
  if (fstatat(directory_->fd(), file_.c_str(), &file, AT_SYMLINK_NOFOLLOW) == 0 && file.st_dev == device_ &&
      file.st_ino == inode_) {
    unlinkat(directory_->fd(), file_.c_str(), 0);
  }
  owns_file_ = false;
}

std::optional<ListeningSocket::File> ListeningSocket::file() const {
  if (!owns_file_) return std::nullopt;
  return File{.device = device_, .inode = inode_};
}

ListeningSocket ListeningSocket::Adopt(UniqueFd fd, SocketKind kind, bool for_good) {
  ListeningSocket socket(std::move(fd), kind);
  socket.shared_ = true;
  socket.shared_for_good_ = for_good;
  return socket;
}

void ListeningSocket::Own() {
  if (!shared_) return;
  ListenAsThisProcess(fd_.get());
  if (shared_for_good_) return;
  shared_ = false;
  owns_file_ = directory_ != nullptr;
}

void ListeningSocket::GiveUp() {
  shared_ = true;
  owns_file_ = false;
}

bool ListeningSocket::FindFile(const Endpoint& endpoint, const SocketAddress& path, const File& file) {
  absl::StatusOr<std::shared_ptr<SocketDirectory>> directory = SocketDirectory::Open(endpoint, path.directory());
  struct stat found;
  if (!directory.ok() || fstatat((*directory)->fd(), path.file_name().c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0 ||
      File{.device = found.st_dev, .inode = found.st_ino} != file) {
    return false;
  }
  directory_ = *std::move(directory);
  file_ = path.file_name();
  device_ = file.device;
  inode_ = file.inode;
  return true;
}

ListeningSocket::~ListeningSocket() {
  if (!fd_.valid() || !owns_file_) return;
  // Without the lock somebody might replace the file, which nobody listens on any more, just before it is removed.
  const std::shared_ptr<SocketDirectory> directory = directory_;
  const absl::StatusOr<SocketDirectory::Lock> lock = directory->AwaitLock(kRemovalPatience);
  if (lock.ok()) RemoveFile();
}

}  // namespace udsrpc

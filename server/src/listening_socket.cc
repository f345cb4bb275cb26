#include "server/src/listening_socket.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/src/socket/claim_error.h"
#include "common/src/socket/socket.h"
#include "common/src/socket/socket_directory.h"
#include "common/src/socket/socket_holder.h"
#include "server/src/inherited_socket.h"

namespace udsrpc {
namespace {

// A claim takes microseconds; who holds the lock for so long is no claimer.
constexpr absl::Duration kClaimPatience = absl::Seconds(2);

// The kernel chooses among a million names; a name's other socket type may be taken, though hardly again and again.
constexpr int kAutobindAttempts = 16;

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
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot bind to an abstract name of the kernel's choice: ", ErrnoText(errno)));
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
    status = CheckPathIsFree(endpoint, addresses[i], kinds[i], (*directory)->fd());
  }
  const SocketFile::Permissions permissions{.mode = options.mode, .owner = options.owner, .group = options.group};
  Sockets sockets;
  for (size_t i = 0; i < kinds.size() && status.ok(); ++i) {
    absl::StatusOr<UniqueFd> fd = OpenSocket(kinds[i]);
    status = fd.status();
    if (!status.ok()) break;
    absl::StatusOr<SocketFile> file = SocketFile::Bind(fd->get(), endpoint, addresses[i], permissions, *directory);
    status = file.status();
    if (!status.ok()) break;
    sockets.push_back(ListeningSocket(*std::move(fd), kinds[i], std::make_unique<SocketFile>(*std::move(file))));
  }
  if (status.ok()) status = ListenOn(endpoint, sockets);
  if (status.ok()) return sockets;
  for (ListeningSocket& socket : sockets) socket.file_->RemoveLocked();
  return status;
}

std::optional<SocketFile::Identity> ListeningSocket::file() const {
  if (file_ == nullptr || !file_->owned()) return std::nullopt;
  return file_->identity();
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
  if (file_ != nullptr) file_->Own();
}

void ListeningSocket::GiveUp() {
  shared_ = true;
  if (file_ != nullptr) file_->Disown();
}

bool ListeningSocket::FindFile(const Endpoint& endpoint, const SocketAddress& path,
                               const SocketFile::Identity& identity) {
  file_ = SocketFile::Find(endpoint, path, identity);
  return file_ != nullptr;
}

}  // namespace udsrpc

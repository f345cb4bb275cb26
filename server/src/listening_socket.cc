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
    if (status.ok()) sockets.push_back(ListeningSocket(*std::move(fd), kinds[i], *std::move(file)));
  }
  if (status.ok()) status = ListenOn(endpoint, sockets);
  if (status.ok()) return sockets;
  for (ListeningSocket& socket : sockets) socket.file_->RemoveLocked();
  return status;
}

}  // namespace udsrpc

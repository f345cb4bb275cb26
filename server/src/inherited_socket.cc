#include "server/src/inherited_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace udsrpc {
namespace {

constexpr absl::string_view kSeqpacketSuffix = ".seqpacket";

absl::Status Unsuitable(absl::string_view name, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(name, ": ", what));
}

// -1: `fd` is no socket, or the kernel has no such option of it.
int OptionOf(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof(value);
  return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

// What is behind the family in the address that the socket is bound to; empty where it is bound to none.
absl::string_view BoundName(int fd, sockaddr_un& address) {
  constexpr socklen_t kFamily = offsetof(sockaddr_un, sun_path);
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 || size <= kFamily) return {};
  return {address.sun_path, std::min<size_t>(size, sizeof(address)) - kFamily};
}

absl::StatusOr<Endpoint> EndpointOf(int fd, SocketKind kind, absl::string_view name) {
  sockaddr_un address{};
  const absl::string_view bound = BoundName(fd, address);
  if (bound.empty()) return Unsuitable(name, "the socket has no address; bind it to a path or an abstract name");
  if (bound.front() == '\0') return Endpoint::FromAbstractName(bound.substr(1));
  absl::string_view path = bound.substr(0, strnlen(bound.data(), bound.size()));
  if (kind == SocketKind::kSeqpacket && !absl::ConsumeSuffix(&path, kSeqpacketSuffix)) {
    return Unsuitable(
        name, absl::StrCat("a seqpacket socket at ", path, " is none that a client looks for; bind it to ", path,
                           kSeqpacketSuffix, ", and clients name unix:", path));
  }
  return Endpoint::FromPath(path);
}

}  // namespace

absl::StatusOr<SocketKind> InspectListeningSocket(int fd, absl::string_view name) {
  if (OptionOf(fd, SO_DOMAIN) != AF_UNIX) {
    return Unsuitable(name,
                      "it is no Unix socket; pass one of AF_UNIX (in a systemd unit, an address that is a path "
                      "or begins with @)");
  }
  const int type = OptionOf(fd, SO_TYPE);
  if (type != SOCK_STREAM && type != SOCK_SEQPACKET) {
    return Unsuitable(name,
                      "its type is neither stream, for gRPC, nor seqpacket; pass one of these (in a systemd unit, "
                      "ListenStream= or ListenSequentialPacket=)");
  }
  if (OptionOf(fd, SO_ACCEPTCONN) != 1) {
    return Unsuitable(name, "it does not listen; call listen(2) on it before (in a systemd unit, leave Accept=no)");
  }
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    return absl::InternalError(absl::StrCat(name, ": cannot make it non-blocking"));
  }
  return type == SOCK_STREAM ? SocketKind::kStream : SocketKind::kSeqpacket;
}

absl::StatusOr<InheritedSocket> InspectInheritedSocket(UniqueFd fd, absl::string_view name) {
  const absl::StatusOr<SocketKind> kind = InspectListeningSocket(fd.get(), name);
  if (!kind.ok()) return kind.status();
  absl::StatusOr<Endpoint> endpoint = EndpointOf(fd.get(), *kind, name);
  if (!endpoint.ok()) return endpoint.status();
  return InheritedSocket{.fd = std::move(fd), .kind = *kind, .endpoint = *std::move(endpoint)};
}

bool IsBoundTo(int fd, const SocketAddress& address) {
  sockaddr_un bound{};
  const absl::string_view name = BoundName(fd, bound);
  const size_t size = address.size() - offsetof(sockaddr_un, sun_path);
  return name == absl::string_view(reinterpret_cast<const sockaddr_un*>(address.get())->sun_path, size);
}

void ListenAsThisProcess(int fd) {
  // The kernel notes who listens at each listen(2). Should it fail, the socket listens as before.
  static_cast<void>(listen(fd, SOMAXCONN));
}

}  // namespace udsrpc

#include "common/src/socket/connected_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "udsrpc/endpoint.h"

namespace udsrpc {
namespace {

absl::Status NotUsable(int fd, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("descriptor ", fd, " ", why,
                                                 "; it has to be a connected Unix socket of type SOCK_STREAM, for gRPC,"
                                                 " or SOCK_SEQPACKET"));
}

// -1 where it has none.
int Option(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof(value);
  return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

}  // namespace

absl::StatusOr<SocketKind> PrepareConnectedSocket(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return NotUsable(fd, absl::StrCat("is none: ", std::generic_category().message(errno)));
  if (Option(fd, SO_DOMAIN) != AF_UNIX) return NotUsable(fd, "is no Unix socket");
  const int type = Option(fd, SO_TYPE);
  if (type != SOCK_STREAM && type != SOCK_SEQPACKET) return NotUsable(fd, "is a socket of another type");
  if (Option(fd, SO_ACCEPTCONN) == 1) return NotUsable(fd, "is a socket that listens");
  sockaddr_un address;
  socklen_t size = sizeof(address);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return NotUsable(fd, "is not connected");
  if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    return NotUsable(fd, absl::StrCat("cannot be made non-blocking: ", std::generic_category().message(errno)));
  }
  return type == SOCK_STREAM ? SocketKind::kStream : SocketKind::kSeqpacket;
}

std::string PeerTarget(int fd, SocketKind kind) {
  sockaddr_un address{};
  socklen_t size = sizeof(address);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  // The kernel says how long a path is that fills the address, and then leaves no room for its NUL.
  if (size <= offsetof(sockaddr_un, sun_path) || size > sizeof(address)) return {};
  const absl::string_view name(address.sun_path, size - offsetof(sockaddr_un, sun_path));
  absl::StatusOr<Endpoint> endpoint = absl::NotFoundError("");
  if (name[0] == '\0') {
    endpoint = Endpoint::FromAbstractName(name.substr(1));
  } else {
    endpoint = Endpoint::FromPath(EndpointPath(name.substr(0, strnlen(name.data(), name.size())), kind));
  }
  return endpoint.ok() ? endpoint->ToString() : std::string();
}

}  // namespace udsrpc

#include "common/src/socket/tcp_port.h"

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {
namespace {

absl::Status PortError(int error) {
  const std::string text = std::generic_category().message(error);
  switch (error) {
    case EADDRINUSE:
      return absl::AlreadyExistsError(absl::StrCat(text, "; another server listens on the port"));
    case EACCES:
      return absl::PermissionDeniedError(
          absl::StrCat(text, "; a port below 1024 takes root, CAP_NET_BIND_SERVICE, or another port"));
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return absl::InvalidArgumentError(absl::StrCat(text, "; is the address one of this host?"));
    case EMFILE:
    case ENFILE:
      return absl::ResourceExhaustedError(absl::StrCat(text, "; raise the limit of open files"));
    default:
      return absl::InternalError(text);
  }
}

// 0, or errno.
int TryToBind(const addrinfo& address, bool shared) {
  const UniqueFd socket(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return errno;
  const int on = 1;
  // As gRPC has it.
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (shared) setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  return bind(socket.get(), address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno;
}

}  // namespace

absl::Status CheckPortIsFree(const std::string& host, int port, bool shared) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int looked_up = getaddrinfo(host.c_str(), absl::StrCat(port).c_str(), &hints, &found);
  if (looked_up != 0) {
    return absl::InvalidArgumentError(absl::StrCat(gai_strerror(looked_up), "; is the name right?"));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, &freeaddrinfo);
  // Of a name's addresses one will do that this host has.
  int missing = 0;
  bool any = false;
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    const int error = TryToBind(*address, shared);
    if (error == EADDRNOTAVAIL || error == EAFNOSUPPORT) {
      missing = error;
    } else if (error != 0) {
      return PortError(error);
    } else {
      any = true;
    }
  }
  return any || missing == 0 ? absl::OkStatus() : PortError(missing);
}

}  // namespace udsrpc

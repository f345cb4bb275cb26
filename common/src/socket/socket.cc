#include "common/src/socket/socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/src/wire/limits.h"

namespace udsrpc {
namespace {

// Room for the descriptors of a packet, as control messages have it. Uninitialized.
union FdsControl {
  cmsghdr header;
  char bytes[CMSG_SPACE(wire::kMaxFds * sizeof(int))];
};

IoResult SendError() {
  switch (errno) {
    case EAGAIN:
      return {IoOutcome::kWouldBlock};
    case ENOBUFS:
    case ENOMEM:
      return {.outcome = IoOutcome::kNoMemory, .error = errno};
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN:
      return {IoOutcome::kClosed};
    default:
      return {.outcome = IoOutcome::kFailed, .error = errno};
  }
}

// Of one receipt that gave `received`; nothing where it is to be tried again.
std::optional<IoResult> Received(ssize_t received, size_t capacity) {
  if (received > 0) {
    const auto size = static_cast<size_t>(received);
    return IoResult{.outcome = IoOutcome::kDone, .bytes = std::min(size, capacity), .truncated = size > capacity};
  }
  if (received == 0) return IoResult{IoOutcome::kClosed};
  switch (errno) {
    case EINTR:
    case ECONNRESET:  // reported once; the packets that are queued, then the end, come behind it
      return std::nullopt;
    case EAGAIN:
      return IoResult{IoOutcome::kWouldBlock};
    default:
      return IoResult{.outcome = IoOutcome::kFailed, .error = errno};
  }
}

// Takes over the descriptors that the kernel has given with a packet.
void TakeFds(msghdr& message, PacketFds& fds) {
  fds.fds.clear();
  fds.cut = (message.msg_flags & MSG_CTRUNC) != 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(fd), sizeof(fd));
      fds.fds.emplace_back(fd);
    }
  }
}

absl::Status SystemError(absl::string_view what, int error) {
  const absl::string_view remedy = error == EMFILE || error == ENFILE ? "; raise the limit of open files" : "";
  return absl::ResourceExhaustedError(absl::StrCat(what, ": ", ErrnoText(error), remedy));
}

absl::Status ConnectError(const SocketAddress& address, SocketKind kind, int error) {
  const absl::string_view what = kind == SocketKind::kStream ? "stream" : "seqpacket";
  absl::string_view remedy;
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      remedy = !address.is_long() || access("/proc/self/fd", X_OK) == 0
                   ? "there is no such socket file; is the server running, and does it offer this transport?"
                   : "a path of more than 107 bytes needs /proc, and it is not mounted";
      break;
    case ECONNREFUSED:
      remedy = "nobody listens there; is the server running, and does it offer this transport?";
      break;
    case EACCES:
    case EPERM:
      remedy = "this user may not connect; ask the server's owner for access to the socket and its directory";
      break;
    case EPROTOTYPE:
      remedy = "the socket there is of another type; is it another program's?";
      break;
    case EAGAIN:
      remedy = "the server's backlog is full; it is overloaded or stuck";
      break;
    default:
      remedy = "the kernel refused";
      break;
  }
  return absl::UnavailableError(absl::StrCat("cannot connect to the ", what, " socket at ", address.ToString(), ": ",
                                             remedy, " (", ErrnoText(error), ")"));
}

// Waits in connect(2) itself, which a send timeout bounds: the kernel has no readiness event for a full backlog.
int ConnectPatiently(int fd, const SocketAddress& address, absl::Duration patience) {
  const timeval timeout = absl::ToTimeval(std::clamp(patience, absl::Microseconds(1), absl::Hours(1)));
  const int flags = fcntl(fd, F_GETFL);
  if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) != 0 ||
      fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0) {
    return errno;
  }
  int error = 0;
  if (connect(fd, address.get(), address.size()) != 0) error = errno;
  if (fcntl(fd, F_SETFL, flags) != 0) return errno;
  return error;
}

int Connect(int fd, const SocketAddress& address, absl::Duration patience) {
  const absl::Time give_up = absl::Now() + patience;
  int result;
  do {
    result = connect(fd, address.get(), address.size()) == 0 ? 0 : errno;
    if (result == EAGAIN) result = ConnectPatiently(fd, address, give_up - absl::Now());
  } while (result == EINTR);
  return result;
}

// By way of its directory.
int ConnectLong(int fd, const SocketAddress& address, absl::Duration patience) {
  const UniqueFd directory = OpenDirectory(address.directory());
  if (!directory.valid()) return errno;
  return Connect(fd, address.InDirectory(directory.get()), patience);
}

}  // namespace

std::string ErrnoText(int error) { return std::generic_category().message(error); }

IoResult SendPacket(int fd, absl::string_view packet) {
  for (;;) {
    if (send(fd, packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return {IoOutcome::kDone};
    if (errno != EINTR) return SendError();
  }
}

IoResult SendPacket(int fd, absl::string_view packet, const std::vector<UniqueFd>& fds) {
  FdsControl control;
  const size_t count = std::min<size_t>(fds.size(), wire::kMaxFds);
  iovec bytes{.iov_base = const_cast<char*>(packet.data()), .iov_len = packet.size()};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = CMSG_SPACE(count * sizeof(int));
  std::memset(control.bytes, 0, message.msg_controllen);
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(count * sizeof(int));
  for (size_t i = 0; i < count; ++i) {
    const int number = fds[i].get();
    std::memcpy(CMSG_DATA(header) + i * sizeof(number), &number, sizeof(number));
  }
  for (;;) {
    if (sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return {IoOutcome::kDone};
    if (errno != EINTR) return SendError();
  }
}

IoResult ReceivePacket(int fd, char* buffer, size_t capacity) {
  for (;;) {
    const std::optional<IoResult> result = Received(recv(fd, buffer, capacity, MSG_DONTWAIT | MSG_TRUNC), capacity);
    if (result) return *result;
  }
}

IoResult ReceivePacket(int fd, char* buffer, size_t capacity, PacketFds& fds) {
  for (;;) {
    FdsControl control;
    iovec bytes{.iov_base = buffer, .iov_len = capacity};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof(control.bytes);
    const ssize_t received = recvmsg(fd, &message, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
    const std::optional<IoResult> result = Received(received, capacity);
    if (received >= 0) TakeFds(message, fds);
    if (received == 0) fds.fds.clear();  // an empty packet may have some, too
    if (result) return *result;
  }
}

void EnlargeSendBuffer(int fd) {
  // The kernel doubles it, for its own overhead. What it takes from everybody, unless an administrator has lowered
  // net.core.wmem_max; with more, credit would no longer be what bounds a connection.
  constexpr int kBytes = 212992;
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kBytes, sizeof(kBytes));
}

bool HasUnread(int fd) {
  int bytes = 0;
  return ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

void ShutdownReading(int fd) { shutdown(fd, SHUT_RD); }

void ShutdownSocket(int fd) { shutdown(fd, SHUT_RDWR); }

UniqueFd OpenDirectory(const std::string& path) {
  return UniqueFd(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

absl::StatusOr<UniqueFd> OpenSocket(SocketKind kind) {
  UniqueFd fd(socket(AF_UNIX, SocketType(kind) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return SystemError("cannot open a socket", errno);
  return fd;
}

absl::Status ConnectSocket(int fd, const SocketAddress& address, SocketKind kind, absl::Duration patience, int* error) {
  *error = address.is_long() ? ConnectLong(fd, address, patience) : Connect(fd, address, patience);
  return *error == 0 ? absl::OkStatus() : ConnectError(address, kind, *error);
}

absl::StatusOr<UniqueFd> ConnectSocket(const SocketAddress& address, SocketKind kind, absl::Duration patience,
                                       int* error) {
  *error = 0;
  absl::StatusOr<UniqueFd> fd = OpenSocket(kind);
  if (!fd.ok()) return fd;
  if (absl::Status status = ConnectSocket(fd->get(), address, kind, patience, error); !status.ok()) return status;
  return fd;
}

bool IsSocketBoundAt(const SocketAddress& address) {
  // The kernel compares the types before it asks whether the socket there listens, and no endpoint has this one.
  const UniqueFd probe(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return !probe.valid() || connect(probe.get(), address.get(), address.size()) == 0 || errno == EPROTOTYPE;
}

bool HasConnectionEnded(int fd) {
  pollfd descriptor{.fd = fd, .events = POLLRDHUP, .revents = 0};
  return poll(&descriptor, 1, 0) > 0;
}

IoResult AcceptConnection(int listening_fd, UniqueFd& connection) {
  for (;;) {
    connection.reset(accept4(listening_fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection.valid()) return {IoOutcome::kDone};
    switch (errno) {
      case EINTR:
      case ECONNABORTED:
        continue;
      case EAGAIN:
        return {IoOutcome::kWouldBlock};
      case EINVAL:  // shut down
        return {IoOutcome::kClosed};
      default:
        return {.outcome = IoOutcome::kFailed, .error = errno};
    }
  }
}

absl::StatusOr<PeerCredentials> GetPeerCredentials(int fd) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return SystemError("cannot read the peer's credentials", errno);
  }
  return PeerCredentials{.pid = credentials.pid, .uid = credentials.uid, .gid = credentials.gid};
}

std::vector<gid_t> GetPeerGroups(int fd) {
  std::vector<gid_t> groups(16);
  for (;;) {
    auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const bool done = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0;
    if (!done && errno != ERANGE) return {};
    groups.resize(size / sizeof(gid_t));  // where there was not room for them, what they need
    if (done) return groups;
  }
}

std::string GetPeerSecurityLabel(int fd) {
  std::string label(256, '\0');
  for (;;) {
    auto size = static_cast<socklen_t>(label.size());
    const bool done = getsockopt(fd, SOL_SOCKET, SO_PEERSEC, label.data(), &size) == 0;
    if (!done && errno != ERANGE) return {};
    label.resize(size);
    if (!done) continue;
    while (!label.empty() && label.back() == '\0') label.pop_back();
    return label;
  }
}

UniqueFd OpenPeerPidfd(int fd) {
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77  // asm-generic/socket.h of Linux 6.5; Debian 12's is older
#endif
  int pidfd = -1;
  socklen_t size = sizeof(pidfd);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) != 0) return UniqueFd();
  return UniqueFd(pidfd);
}

uint64_t SocketCookie(int fd) {
  uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

UniqueFd DuplicateAbove(int fd, int lowest) { return UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, lowest)); }

Readiness WaitForSocket(int socket, bool want_write, int wake_event, absl::Duration timeout) {
  pollfd descriptors[] = {
      {.fd = socket, .events = static_cast<int16_t>(want_write ? POLLIN | POLLOUT : POLLIN), .revents = 0},
      {.fd = wake_event, .events = POLLIN, .revents = 0}};
  const timespec limit = absl::ToTimespec(std::min(timeout, absl::Hours(1)));
  if (ppoll(descriptors, 2, timeout == absl::InfiniteDuration() ? nullptr : &limit, nullptr) <= 0) return {};
  const int16_t events = descriptors[0].revents;
  const bool ended = (events & (POLLHUP | POLLERR | POLLNVAL)) != 0;
  return {.readable = (events & POLLIN) != 0 || ended,
          .writable = (events & POLLOUT) != 0 || ended,
          .woken = descriptors[1].revents != 0};
}

absl::StatusOr<UniqueFd> OpenWakeEvent() {
  UniqueFd fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd.valid()) return SystemError("cannot open an eventfd", errno);
  return fd;
}

void SignalWakeEvent(int fd) {
  const uint64_t one = 1;
  // Fails only where the counter is at its maximum, and then the event is signalled.
  while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR) {
  }
}

void ClearWakeEvent(int fd) {
  uint64_t count;
  while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR) {
  }
}

}  // namespace udsrpc

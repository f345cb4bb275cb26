#include "tools/socket_diag.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc::tools {
namespace {

// net/tcp_states.h, which is not for user space.
constexpr uint8_t kEstablished = 1;
constexpr uint8_t kListen = 10;
constexpr uint32_t kAllStates = ~uint32_t{0};

// __SO_ACCEPTCON in /proc/net/unix: it listens.
constexpr uint32_t kAcceptsConnections = 1 << 16;
// SS_CONNECTED of linux/net.h, there.
constexpr uint32_t kConnectedState = 3;

// The kernel puts at most 32 KiB into a datagram of a dump.
constexpr size_t kDatagramBytes = 64 << 10;
constexpr timeval kPatience{.tv_sec = 5, .tv_usec = 0};

size_t Aligned(size_t size) { return (size + 3) & ~size_t{3}; }

// The T at the beginning of `bytes`, which need not be aligned. False: they are too few.
template <typename T>
bool ReadAs(absl::string_view bytes, T* value) {
  if (bytes.size() < sizeof(T)) return false;
  std::memcpy(value, bytes.data(), sizeof(T));
  return true;
}

absl::string_view Behind(absl::string_view bytes, size_t count) { return bytes.substr(std::min(count, bytes.size())); }

absl::Status Malformed() {
  return absl::InternalError("the kernel's answer about sockets is not well-formed; this program is too old for it");
}

absl::Status KernelError(int error) {
  if (error == ENOENT || error == EOPNOTSUPP || error == EPROTONOSUPPORT || error == EINVAL) {
    return absl::UnimplementedError("the kernel is built without CONFIG_UNIX_DIAG, or has not loaded unix_diag");
  }
  return absl::InternalError(
      absl::StrCat("the kernel tells nothing about sockets: ", std::generic_category().message(error)));
}

// False: `value` is not what the attribute's type promises.
bool ReadAttribute(uint16_t type, absl::string_view value, UnixSocket* socket) {
  switch (type) {
    case UNIX_DIAG_NAME:
      // A path ends with a NUL, and not by its length, wherever it was bound with one.
      socket->name = std::string(value[0] == '\0' ? value : value.substr(0, value.find('\0')));
      return true;
    case UNIX_DIAG_VFS: {
      unix_diag_vfs file;
      if (!ReadAs(value, &file)) return false;
      socket->file = UnixSocket::File{.device = file.udiag_vfs_dev, .inode = file.udiag_vfs_ino};
      return true;
    }
    case UNIX_DIAG_PEER:
      return ReadAs(value, &socket->peer);
    case UNIX_DIAG_ICONS:
      for (uint32_t inode; ReadAs(value, &inode); value.remove_prefix(sizeof(inode))) socket->waiting.push_back(inode);
      return value.empty();
    case UNIX_DIAG_RQLEN: {
      unix_diag_rqlen queues;
      if (!ReadAs(value, &queues)) return false;
      socket->receive_queue = queues.udiag_rqueue;
      socket->send_queue = queues.udiag_wqueue;
      return true;
    }
    case UNIX_DIAG_UID: {
      uint32_t uid;
      if (!ReadAs(value, &uid)) return false;
      socket->uid = uid;
      return true;
    }
    default:
      return true;
  }
}

absl::StatusOr<UnixSocket> ReadSocket(absl::string_view payload) {
  unix_diag_msg message;
  if (!ReadAs(payload, &message)) return Malformed();
  UnixSocket socket{.inode = message.udiag_ino, .type = message.udiag_type};
  if (message.udiag_state == kListen) socket.state = UnixSocket::State::kListening;
  if (message.udiag_state == kEstablished) socket.state = UnixSocket::State::kConnected;
  absl::string_view attributes = Behind(payload, Aligned(sizeof(message)));
  while (!attributes.empty()) {
    nlattr attribute;
    if (!ReadAs(attributes, &attribute) || attribute.nla_len < sizeof(attribute) ||
        attribute.nla_len > attributes.size()) {
      return Malformed();
    }
    const absl::string_view value = attributes.substr(sizeof(attribute), attribute.nla_len - sizeof(attribute));
    const uint16_t type = attribute.nla_type & NLA_TYPE_MASK;
    if (!value.empty() && !ReadAttribute(type, value, &socket)) return Malformed();
    attributes = Behind(attributes, Aligned(attribute.nla_len));
  }
  return socket;
}

absl::Status Refused(const char* what) {
  if (errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT) {
    return absl::UnimplementedError(
        "netlink's sock_diag cannot be had here: it is not in the kernel (CONFIG_UNIX_DIAG), or this process may not "
        "use it (RestrictAddressFamilies=, a container's seccomp)");
  }
  if (errno == EPERM || errno == EACCES) {
    return absl::UnimplementedError("this process may not use netlink's sock_diag (seccomp, or a security module)");
  }
  if (errno == EAGAIN) return absl::InternalError("the kernel tells nothing about sockets within 5 s");
  return absl::InternalError(absl::StrCat(what, ": ", std::generic_category().message(errno)));
}

// Asks, and reads the whole answer.
absl::Status Dump(int fd, uint32_t states, uint32_t show, uint32_t sequence, std::vector<UnixSocket>* sockets) {
  const std::string request = UnixDiagRequest(states, show, sequence);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (sendto(fd, request.data(), request.size(), 0, reinterpret_cast<sockaddr*>(&kernel), sizeof(kernel)) < 0) {
    return Refused("cannot ask for sockets");
  }
  std::string buffer(kDatagramBytes, '\0');
  while (true) {
    sockaddr_nl sender{};
    socklen_t size = sizeof(sender);
    const ssize_t received =
        recvfrom(fd, buffer.data(), buffer.size(), MSG_TRUNC, reinterpret_cast<sockaddr*>(&sender), &size);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) return Refused("cannot read about sockets");
    if (static_cast<size_t>(received) > buffer.size()) return Malformed();
    if (sender.nl_pid != 0) continue;  // not the kernel
    const absl::StatusOr<bool> done =
        ParseUnixDiag(absl::string_view(buffer.data(), static_cast<size_t>(received)), sequence, sockets);
    if (!done.ok() || *done) return done.status();
  }
}

// "0000000000000000: 00000002 00000000 00010000 0001 01 12345 /path". False: the line is none of that kind.
bool ReadProcLine(absl::string_view line, UnixSocket* socket) {
  constexpr size_t kFields = 7;
  uint32_t fields[kFields] = {};
  for (size_t i = 0; i < kFields; ++i) {
    line = Behind(line,
                  line.find_first_not_of(' ') == absl::string_view::npos ? line.size() : line.find_first_not_of(' '));
    const absl::string_view word = line.substr(0, line.find(' '));
    line = Behind(line, word.size());
    if (i == 0) {
      if (word.empty() || word.back() != ':') return false;
    } else if (i + 1 < kFields ? !absl::SimpleHexAtoi(word, &fields[i]) : !absl::SimpleAtoi(word, &fields[i])) {
      return false;
    }
  }
  const uint32_t flags = fields[3];
  socket->type = static_cast<int>(fields[4]);
  socket->inode = fields[6];
  if (fields[5] == kConnectedState) socket->state = UnixSocket::State::kConnected;
  if ((flags & kAcceptsConnections) != 0) socket->state = UnixSocket::State::kListening;
  if (line.size() > 1) socket->name = std::string(line.substr(1));
  // NULs are shown as '@'. The first is one where no path begins so, as servers that mean a file use absolute ones.
  if (!socket->name.empty() && socket->name[0] == '@') socket->name[0] = '\0';
  return true;
}

}  // namespace

std::string UnixDiagRequest(uint32_t states, uint32_t show, uint32_t sequence) {
  struct {
    nlmsghdr header;
    unix_diag_req request;
  } message{};
  message.header.nlmsg_len = sizeof(message);
  message.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  message.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  message.header.nlmsg_seq = sequence;
  message.request.sdiag_family = AF_UNIX;
  message.request.udiag_states = states;
  message.request.udiag_show = show;
  return std::string(reinterpret_cast<const char*>(&message), sizeof(message));
}

absl::StatusOr<bool> ParseUnixDiag(absl::string_view datagram, uint32_t sequence, std::vector<UnixSocket>* sockets) {
  while (!datagram.empty()) {
    nlmsghdr header;
    if (!ReadAs(datagram, &header) || header.nlmsg_len < sizeof(header) || header.nlmsg_len > datagram.size()) {
      return Malformed();
    }
    const absl::string_view payload = datagram.substr(sizeof(header), header.nlmsg_len - sizeof(header));
    datagram = Behind(datagram, Aligned(header.nlmsg_len));
    if (header.nlmsg_seq != sequence) continue;
    if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) {
      int32_t error = 0;
      if (!ReadAs(payload, &error) && header.nlmsg_type == NLMSG_ERROR) return Malformed();
      if (error < 0) return KernelError(error == INT32_MIN ? EPROTO : -error);
      return true;
    }
    if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY) continue;
    absl::StatusOr<UnixSocket> socket = ReadSocket(payload);
    if (!socket.ok()) return socket.status();
    if (socket->inode != 0) sockets->push_back(*std::move(socket));
  }
  return false;
}

std::vector<UnixSocket> ParseProcNetUnix(absl::string_view text) {
  std::vector<UnixSocket> sockets;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    UnixSocket socket;
    if (ReadProcLine(line, &socket) && socket.inode != 0) sockets.push_back(std::move(socket));
  }
  return sockets;
}

absl::StatusOr<std::vector<UnixSocket>> ReadUnixDiag() {
  const UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!fd.valid() || setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience)) != 0) {
    return Refused("cannot open a netlink socket");
  }
  std::vector<UnixSocket> sockets;
  absl::Status status =
      Dump(fd.get(), kAllStates, UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN | UDIAG_SHOW_UID,
           1, &sockets);
  if (!status.ok()) return status;
  // On its own: a listener for whose list of waiting clients the kernel's datagram has no room ends the dump unsaid.
  std::vector<UnixSocket> listeners;
  status = Dump(fd.get(), 1U << kListen, UDIAG_SHOW_ICONS, 2, &listeners);
  if (!status.ok()) return status;
  std::map<uint32_t, std::vector<uint32_t>> waiting;
  for (UnixSocket& listener : listeners) waiting[listener.inode] = std::move(listener.waiting);
  for (UnixSocket& socket : sockets) {
    if (socket.state == UnixSocket::State::kListening) socket.waiting = std::move(waiting[socket.inode]);
  }
  return sockets;
}

absl::StatusOr<std::vector<UnixSocket>> ReadUnixDiagOf(const std::string& network) {
  const UniqueFd fd(open(network.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid() && errno == ENOENT) return absl::UnavailableError(absl::StrCat(network, " is gone"));
  absl::StatusOr<std::vector<UnixSocket>> sockets =
      absl::PermissionDeniedError(absl::StrCat("this user may not enter ", network));
  if (!fd.valid()) return sockets;
  // A thread's namespace is its own, and this one ends in it.
  std::thread([&] {
    if (setns(fd.get(), CLONE_NEWNET) == 0) sockets = ReadUnixDiag();
  }).join();
  return sockets;
}

absl::StatusOr<std::vector<UnixSocket>> ReadProcNetUnix(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  if (!text || text.str().empty()) return absl::UnavailableError(absl::StrCat("cannot read ", path));
  return ParseProcNetUnix(text.str());
}

}  // namespace udsrpc::tools

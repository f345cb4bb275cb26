#include "tests/hostile/strike.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <thread>
#include <utility>

#include "common/src/socket/socket.h"
#include "gtest/gtest.h"
#include "tests/support/event.h"
#include "udsrpc/endpoint.h"

namespace udsrpc::testing {
namespace {

constexpr int kAttackersAtATime = 4;

absl::Duration ThreadCpu() {
  timespec used;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return absl::DurationFromTimespec(used);
}

bool AwaitSocket(int fd, short events, absl::Duration patience) {
  pollfd socket{.fd = fd, .events = events, .revents = 0};
  return poll(&socket, 1, static_cast<int>(absl::ToInt64Milliseconds(patience) + 1)) > 0;
}

}  // namespace

UniqueFd Strike::Connect(SocketKind kind) {
  const SocketAddress address = *SocketAddress::Of(*Endpoint::Parse(target_), kind);
  int error;
  absl::StatusOr<UniqueFd> fd = ConnectSocket(address, kind, kPatience, &error);
  return fd.ok() ? *std::move(fd) : UniqueFd();
}

Strike::Sent Strike::Send(int fd, absl::string_view bytes, absl::Duration patience) {
  if (fd < 0) return Sent::kClosed;
  const absl::Time give_up = absl::Now() + patience;
  for (;;) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0 && static_cast<size_t>(sent) == bytes.size()) return Sent::kSent;
    if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
    if (sent < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS) return Sent::kClosed;
    const absl::Duration left = give_up - absl::Now();
    if (left <= absl::ZeroDuration()) return Sent::kFull;
    AwaitSocket(fd, POLLOUT, left);
  }
}

Strike::Sent Strike::Send(int fd, absl::string_view packet, const std::vector<int>& fds) {
  std::vector<char> control(CMSG_SPACE(fds.size() * sizeof(int)), '\0');
  iovec data{.iov_base = const_cast<char*>(packet.data()), .iov_len = packet.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
  std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
  for (;;) {
    if (sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return Sent::kSent;
    if (errno == ETOOMANYREFS) return Sent::kFull;
    if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS) return Sent::kClosed;
    if (!More() || !AwaitSocket(fd, POLLOUT, absl::Milliseconds(100))) return Sent::kFull;
  }
}

bool Strike::Drain(int fd) {
  char bytes[65536];
  for (;;) {
    const ssize_t received = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (received > 0) continue;
    return received < 0 && (errno == EAGAIN || errno == EINTR);
  }
}

bool Strike::AwaitClosed(int fd) {
  if (fd < 0) return true;
  char bytes[65536];
  const absl::Time give_up = absl::Now() + kPatience;
  while (absl::Now() < give_up) {
    if (!AwaitSocket(fd, POLLIN, give_up - absl::Now())) continue;
    const ssize_t received = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (received == 0 || (received < 0 && errno != EAGAIN && errno != EINTR)) return true;
  }
  return false;
}

std::string Strike::Receive(int fd) {
  std::string bytes(65536, '\0');
  AwaitSocket(fd, POLLIN, kPatience);
  const ssize_t received = recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
  bytes.resize(received > 0 ? static_cast<size_t>(received) : 0);
  return bytes;
}

void BecomeStranger() {
  // The library's setresuid would have all threads change.
  const int changed = static_cast<int>(syscall(SYS_setresuid, -1, kStranger, -1));
  EXPECT_EQ(changed, 0) << std::strerror(errno);
}

Forces StrikeTogether(const std::string& target, Attacker attacker, int count, absl::Duration duration,
                      const std::function<void(Strike&)>& strike) {
  const int threads = std::min(count, kAttackersAtATime);
  const absl::Duration each = duration / ((count + threads - 1) / threads);
  std::vector<Forces> forces(static_cast<size_t>(threads));
  std::vector<std::thread> attackers;
  for (int thread = 0; thread < threads; ++thread) {
    attackers.emplace_back([&, thread] {
      if (attacker == Attacker::kStranger) BecomeStranger();
      Forces& own = forces[static_cast<size_t>(thread)];
      for (int index = thread; index < count; index += threads) {
        Strike one(target, index, absl::Now() + each);
        strike(one);
        std::move(one.held().begin(), one.held().end(), std::back_inserter(own.held));
      }
      own.cpu = ThreadCpu();
    });
  }
  Forces all;
  for (size_t i = 0; i < attackers.size(); ++i) {
    attackers[i].join();
    all.cpu += forces[i].cpu;
    std::move(forces[i].held.begin(), forces[i].held.end(), std::back_inserter(all.held));
  }
  return all;
}

}  // namespace udsrpc::testing

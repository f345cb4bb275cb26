// What the linker puts in the place of system calls (--wrap, see CMakeLists.txt), in this project's own objects and in
// the tests: the libraries that they stand on make theirs undisturbed. Each asks the plan, and then fails as that says,
// or makes the call.

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>

#include "tests/faults/fault_plan.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77  // of Linux 6.5
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452  // of Linux 6.6
#endif

namespace {

using udsrpc::testing::Fault;
using udsrpc::testing::FaultPlan;
using udsrpc::testing::SystemCall;

std::optional<FaultPlan::Injection> Ask(SystemCall call) { return FaultPlan::Get().OnCall(call); }

int Fail(const FaultPlan::Injection& injection) {
  errno = injection.error;
  return -1;
}

// Linux raises no SIGPIPE for a SOCK_SEQPACKET socket, so no test could tell that the flag were missing.
void CheckRaisesNoSigpipe(int flags) {
  if ((flags & MSG_NOSIGNAL) != 0) return;
  std::fputs("a send without MSG_NOSIGNAL\n", stderr);
  std::abort();
}

// Closes what has come with a packet, and leaves the word that something had, as the kernel does where there is no
// number for it.
void LoseFds(msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    for (size_t i = 0; i < (header->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(fd), sizeof(fd));
      close(fd);
    }
    message.msg_flags |= MSG_CTRUNC;
  }
  message.msg_controllen = 0;
}

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names
#define UDSRPC_WRAP(call, result, name, parameters, arguments)                 \
  extern "C" result __real_##name parameters;                                  \
  extern "C" result __wrap_##name parameters {                                 \
    if (const auto injection = Ask(SystemCall::call)) return Fail(*injection); \
    return __real_##name arguments;                                            \
  }

UDSRPC_WRAP(kSocket, int, socket, (int domain, int type, int protocol), (domain, type, protocol))
UDSRPC_WRAP(kBind, int, bind, (int fd, const sockaddr* address, socklen_t size), (fd, address, size))
UDSRPC_WRAP(kListen, int, listen, (int fd, int backlog), (fd, backlog))
UDSRPC_WRAP(kAccept, int, accept4, (int fd, sockaddr* address, socklen_t* size, int flags), (fd, address, size, flags))
UDSRPC_WRAP(kConnect, int, connect, (int fd, const sockaddr* address, socklen_t size), (fd, address, size))
UDSRPC_WRAP(kShutdown, int, shutdown, (int fd, int how), (fd, how))
UDSRPC_WRAP(kSetsockopt, int, setsockopt, (int fd, int level, int name, const void* value, socklen_t size),
            (fd, level, name, value, size))
UDSRPC_WRAP(kGetsockname, int, getsockname, (int fd, sockaddr* address, socklen_t* size), (fd, address, size))
UDSRPC_WRAP(kGetpeername, int, getpeername, (int fd, sockaddr* address, socklen_t* size), (fd, address, size))
UDSRPC_WRAP(kPoll, int, poll, (pollfd * fds, nfds_t count, int timeout), (fds, count, timeout))
UDSRPC_WRAP(kPpoll, int, ppoll, (pollfd * fds, nfds_t count, const timespec* timeout, const sigset_t* mask),
            (fds, count, timeout, mask))
UDSRPC_WRAP(kEpollCreate, int, epoll_create1, (int flags), (flags))
UDSRPC_WRAP(kEpollWait, int, epoll_pwait2,
            (int fd, epoll_event* events, int count, const timespec* timeout, const sigset_t* mask),
            (fd, events, count, timeout, mask))
UDSRPC_WRAP(kEventfd, int, eventfd, (unsigned value, int flags), (value, flags))
UDSRPC_WRAP(kFstat, int, fstat, (int fd, struct stat* found), (fd, found))
UDSRPC_WRAP(kFstatat, int, fstatat, (int fd, const char* name, struct stat* found, int flags), (fd, name, found, flags))
UDSRPC_WRAP(kUnlinkat, int, unlinkat, (int fd, const char* name, int flags), (fd, name, flags))
UDSRPC_WRAP(kFchmod, int, fchmod, (int fd, mode_t mode), (fd, mode))
UDSRPC_WRAP(kChmod, int, chmod, (const char* name, mode_t mode), (name, mode))
UDSRPC_WRAP(kFchownat, int, fchownat, (int fd, const char* name, uid_t owner, gid_t group, int flags),
            (fd, name, owner, group, flags))
UDSRPC_WRAP(kFlock, int, flock, (int fd, int operation), (fd, operation))

#undef UDSRPC_WRAP

namespace {

// A peer that has gone is gone for all that follows.
void MayEnd(int fd, const FaultPlan::Injection& injection) {
  if (injection.error == EPIPE || injection.error == ECONNRESET || injection.error == ENOTCONN) {
    __real_shutdown(fd, SHUT_RDWR);
  }
}

}  // namespace

extern "C" {

ssize_t __real_send(int fd, const void* data, size_t size, int flags);
ssize_t __wrap_send(int fd, const void* data, size_t size, int flags) {
  CheckRaisesNoSigpipe(flags);
  const auto injection = Ask(SystemCall::kSend);
  if (!injection) return __real_send(fd, data, size, flags);
  MayEnd(fd, *injection);
  return Fail(*injection);
}

ssize_t __real_sendmsg(int fd, const msghdr* message, int flags);
ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
  CheckRaisesNoSigpipe(flags);
  const auto injection = Ask(SystemCall::kSendmsg);
  if (!injection) return __real_sendmsg(fd, message, flags);
  MayEnd(fd, *injection);
  return Fail(*injection);
}

ssize_t __real_recv(int fd, void* buffer, size_t size, int flags);
ssize_t __wrap_recv(int fd, void* buffer, size_t size, int flags) {
  const auto injection = Ask(SystemCall::kRecv);
  if (!injection) return __real_recv(fd, buffer, size, flags);
  if (injection->effect == Fault::Effect::kError) return Fail(*injection);
  if (injection->effect == Fault::Effect::kEnd) return 0;
  const ssize_t received = __real_recv(fd, buffer, size, flags);
  return received > 0 ? static_cast<ssize_t>(size) + 1 : received;
}

ssize_t __real_recvmsg(int fd, msghdr* message, int flags);
ssize_t __wrap_recvmsg(int fd, msghdr* message, int flags) {
  const auto injection = Ask(SystemCall::kRecvmsg);
  if (!injection) return __real_recvmsg(fd, message, flags);
  if (injection->effect == Fault::Effect::kError) return Fail(*injection);
  if (injection->effect == Fault::Effect::kEnd) {
    message->msg_controllen = 0;
    message->msg_flags = 0;
    return 0;
  }
  const ssize_t received = __real_recvmsg(fd, message, flags);
  if (received <= 0) return received;
  if (injection->effect == Fault::Effect::kNoFds) {
    LoseFds(*message);
    return received;
  }
  message->msg_flags |= MSG_TRUNC;
  return static_cast<ssize_t>(message->msg_iov->iov_len) + ((flags & MSG_TRUNC) != 0 ? 1 : 0);
}

int __real_getsockopt(int fd, int level, int name, void* value, socklen_t* size);
int __wrap_getsockopt(int fd, int level, int name, void* value, socklen_t* size) {
  const bool opens = level == SOL_SOCKET && name == SO_PEERPIDFD;
  if (const auto injection = Ask(opens ? SystemCall::kGetPidfd : SystemCall::kGetsockopt)) return Fail(*injection);
  return __real_getsockopt(fd, level, name, value, size);
}

// Of the others none can fail for what this project asks of it: see ep_modify and ep_remove in fs/eventpoll.c.
int __real_epoll_ctl(int fd, int operation, int watched, epoll_event* event);
int __wrap_epoll_ctl(int fd, int operation, int watched, epoll_event* event) {
  if (operation == EPOLL_CTL_ADD) {
    if (const auto injection = Ask(SystemCall::kEpollAdd)) return Fail(*injection);
  }
  return __real_epoll_ctl(fd, operation, watched, event);
}

// Eight bytes are an eventfd's.
ssize_t __real_read(int fd, void* buffer, size_t size);
ssize_t __wrap_read(int fd, void* buffer, size_t size) {
  const SystemCall call = size == sizeof(uint64_t) ? SystemCall::kReadEvent : SystemCall::kReadFile;
  if (const auto injection = Ask(call)) return Fail(*injection);
  return __real_read(fd, buffer, size);
}

ssize_t __real_write(int fd, const void* data, size_t size);
ssize_t __wrap_write(int fd, const void* data, size_t size) {
  if (size == sizeof(uint64_t)) {
    if (const auto injection = Ask(SystemCall::kWriteEvent)) return Fail(*injection);
  }
  return __real_write(fd, data, size);
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  const long argument = va_arg(arguments, long);
  va_end(arguments);
  if (command == F_DUPFD_CLOEXEC || command == F_GETFL || command == F_SETFL || command == F_SETFD) {
    const SystemCall call = command == F_DUPFD_CLOEXEC ? SystemCall::kDuplicate : SystemCall::kSetFlags;
    if (const auto injection = Ask(call)) return Fail(*injection);
  }
  return __real_fcntl(fd, command, argument);
}

int __real_open(const char* name, int flags, ...);
int __wrap_open(const char* name, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const int mode = va_arg(arguments, int);
  va_end(arguments);
  if (const auto injection = Ask(SystemCall::kOpen)) return Fail(*injection);
  return __real_open(name, flags, mode);
}

int __real_openat(int fd, const char* name, int flags, ...);
int __wrap_openat(int fd, const char* name, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const int mode = va_arg(arguments, int);
  va_end(arguments);
  if (const auto injection = Ask(SystemCall::kOpenat)) return Fail(*injection);
  return __real_openat(fd, name, flags, mode);
}

long __real_syscall(long number, ...);
// What our objects call by number takes four values at most, and so many come in registers; to look for more is to read
// beyond the caller's.
long __wrap_syscall(long number, ...) {
  va_list arguments;
  va_start(arguments, number);
  long values[4];
  for (long& value : values) value = va_arg(arguments, long);
  va_end(arguments);
  if (number == SYS_fchmodat2) {
    if (const auto injection = Ask(SystemCall::kFchmodat2)) return Fail(*injection);
  }
  return __real_syscall(number, values[0], values[1], values[2], values[3]);
}

int __real_close(int fd);
int __wrap_close(int fd) {
  const auto injection = Ask(SystemCall::kClose);
  const int result = __real_close(fd);
  return injection ? Fail(*injection) : result;
}

// std::thread::_M_start_thread, whose pthread_create is within libstdc++. The state is passed by reference, as what has
// a destructor is.
void __real__ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE(
    std::thread* thread, std::unique_ptr<std::thread::_State>* state, void (*depend)());
void __wrap__ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE(
    std::thread* thread, std::unique_ptr<std::thread::_State>* state, void (*depend)()) {
  if (const auto injection = Ask(SystemCall::kThread)) {
    throw std::system_error(injection->error, std::generic_category());
  }
  __real__ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE(thread, state, depend);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)

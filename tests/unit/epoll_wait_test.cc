#include "server/src/epoll_wait.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <thread>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {
namespace {

// As a container's filter does that is older than the system call: of the calling thread alone.
bool ForbidEpollPwait2(int error) {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_pwait2, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

void ExpectItWaits() {
  const UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  const UniqueFd event(eventfd(0, EFD_CLOEXEC));
  epoll_event watched{.events = EPOLLIN, .data = {.u64 = 7}};
  ASSERT_EQ(epoll_ctl(epoll.get(), EPOLL_CTL_ADD, event.get(), &watched), 0);

  epoll_event ready[2];
  EXPECT_EQ(WaitOnEpoll(epoll.get(), ready, 2, absl::ZeroDuration()), 0);
  const absl::Time start = absl::Now();
  EXPECT_EQ(WaitOnEpoll(epoll.get(), ready, 2, absl::Microseconds(1500)), 0);
  EXPECT_GE(absl::Now() - start, absl::Microseconds(1500));

  ASSERT_EQ(eventfd_write(event.get(), 1), 0);
  ready[0].data.u64 = 0;
  EXPECT_EQ(WaitOnEpoll(epoll.get(), ready, 2, absl::InfiniteDuration()), 1);
  EXPECT_EQ(ready[0].data.u64, 7u);
}

TEST(EpollWaitTest, ToTheNanosecond) { ExpectItWaits(); }

TEST(EpollWaitTest, WhereTheSystemCallIsNotThereOrNotAllowed) {
  for (const int error : {ENOSYS, EPERM}) {
    std::thread([&] {
      ASSERT_TRUE(ForbidEpollPwait2(error));
      ExpectItWaits();
    }).join();
  }
}

}  // namespace
}  // namespace udsrpc

#include "server/src/epoll_wait.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>

namespace udsrpc {
namespace {

// Whether this process may not call epoll_pwait2.
std::atomic<bool> only_milliseconds{false};

int Milliseconds(absl::Duration patience) {
  if (patience == absl::InfiniteDuration()) return -1;
  const absl::Duration rounded = absl::Ceil(patience, absl::Milliseconds(1));
  return static_cast<int>(std::clamp<int64_t>(absl::ToInt64Milliseconds(rounded), 0, INT_MAX));
}

}  // namespace

int WaitOnEpoll(int epoll, epoll_event* ready, int capacity, absl::Duration patience) {
  if (!only_milliseconds.load(std::memory_order_relaxed)) {
    const timespec timeout = absl::ToTimespec(std::max(patience, absl::ZeroDuration()));
    const int count =
        epoll_pwait2(epoll, ready, capacity, patience == absl::InfiniteDuration() ? nullptr : &timeout, nullptr);
    // A filter that knows no such call says EPERM.
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    only_milliseconds.store(true, std::memory_order_relaxed);
  }
  return epoll_wait(epoll, ready, capacity, Milliseconds(patience));
}

}  // namespace udsrpc

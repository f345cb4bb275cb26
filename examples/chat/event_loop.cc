#include "event_loop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <utility>

EventLoop::EventLoop() : wake_fd_(eventfd(0, EFD_CLOEXEC)) {
  if (wake_fd_ < 0) std::abort();  // no descriptor left: nothing would work
}

EventLoop::~EventLoop() { close(wake_fd_); }

void EventLoop::Post(absl::AnyInvocable<void() &&> task) {
  const std::lock_guard<std::mutex> lock(mutex_);
  posted_.push_back(std::move(task));
  if (posted_.size() == 1) eventfd_write(wake_fd_, 1);
}

void EventLoop::RunPosted() {
  eventfd_t count;
  eventfd_read(wake_fd_, &count);
  std::vector<absl::AnyInvocable<void() &&>> posted;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    posted.swap(posted_);
  }
  for (absl::AnyInvocable<void() &&>& task : posted) std::move(task)();
}

void EventLoop::Run() {
  while (!stopped_) {
    pollfd ready[] = {{.fd = wake_fd_, .events = POLLIN, .revents = 0},
                      {.fd = read_fd_, .events = POLLIN, .revents = 0}};
    if (poll(ready, 2, -1) < 0) continue;  // a signal
    if (ready[1].revents != 0) WakeReader();
    if (ready[0].revents != 0) RunPosted();
  }
}

void EventLoop::WakeReader() {
  if (reader_ == nullptr) return;
  read_fd_ = -1;
  std::exchange(reader_, nullptr).resume();
}

#include "tools/interrupts.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

namespace udsrpc::tools {

Interrupts::Interrupts() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, &before_);
  fd_ = UniqueFd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

Interrupts::~Interrupts() {
  // The one that was heard is not to end the program now.
  signalfd_siginfo heard;
  while (read(fd_.get(), &heard, sizeof(heard)) > 0) {
  }
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

Interrupts::Watcher::Watcher(const Interrupts& interrupts, std::function<void()> on_interrupt)
    : stop_(eventfd(0, EFD_CLOEXEC)), thread_([this, fd = interrupts.fd(), run = std::move(on_interrupt)] {
        pollfd watched[] = {{.fd = fd, .events = POLLIN, .revents = 0},
                            {.fd = stop_.get(), .events = POLLIN, .revents = 0}};
        while (poll(watched, 2, -1) < 0) {
        }
        if (watched[0].revents != 0) run();
      }) {}

Interrupts::Watcher::~Watcher() {
  const uint64_t one = 1;
  if (write(stop_.get(), &one, sizeof(one)) == sizeof(one)) thread_.join();
}

}  // namespace udsrpc::tools

#include "tools/interruption.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <utility>

namespace udsrpc::tools {
namespace {

// What a signal handler may use: the descriptor that it writes to, open as long as the process, and what it says.
std::atomic<int> signalled_fd{-1};
std::atomic<int> signalled{0};  // which, once one came
static_assert(std::atomic<int>::is_always_lock_free);

void Wake(int fd) {
  const uint64_t one = 1;
  const ssize_t written = write(fd, &one, sizeof one);
  static_cast<void>(written);  // eventfds take it
}

void OnInterrupt(int signal) {
  const int saved = errno;
  signalled.store(signal);
  Wake(signalled_fd.load());
  errno = saved;
}

void SetInterruptHandlers(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

}  // namespace

Interruption::Interruption(std::function<void()> on_interrupt) : stop_(eventfd(0, EFD_CLOEXEC)) {
  if (signalled_fd.load() < 0) signalled_fd.store(eventfd(0, EFD_CLOEXEC));
  SetInterruptHandlers(OnInterrupt);
  if (on_interrupt == nullptr) return;
  thread_ = std::thread([this, on_interrupt = std::move(on_interrupt)] {
    pollfd fds[] = {{.fd = signalled_fd.load(), .events = POLLIN, .revents = 0},
                    {.fd = stop_.get(), .events = POLLIN, .revents = 0}};
    while (poll(fds, 2, -1) < 0 && errno == EINTR) {
    }
    if (fds[1].revents == 0 && fds[0].revents != 0) on_interrupt();
  });
}

Interruption::~Interruption() {
  SetInterruptHandlers(SIG_DFL);
  if (!thread_.joinable()) return;
  Wake(stop_.get());
  thread_.join();
}

bool Interruption::interrupted() const { return signalled.load() != 0; }

Outcome Interruption::Interrupted(std::string message) const {
  return {signalled.load() == SIGTERM ? ExitCode::kTerminated : ExitCode::kInterrupted, std::move(message)};
}

int Interruption::fd() const { return signalled_fd.load(); }

}  // namespace udsrpc::tools

#include "tools/line_input.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

namespace udsrpc::tools {

LineInput::LineInput() : stop_(eventfd(0, EFD_CLOEXEC)) {}

bool LineInput::Next(std::string* line) {
  size_t looked_at = 0;
  for (;;) {
    const size_t end = buffer_.find('\n', looked_at);
    if (end != std::string::npos) {
      line->assign(buffer_, 0, end);
      buffer_.erase(0, end + 1);
      break;
    }
    looked_at = buffer_.size();
    if (Fill()) continue;
    if (buffer_.empty()) return false;
    *line = std::exchange(buffer_, "");
    break;
  }
  ++number_;
  return true;
}

std::string LineInput::Rest() {
  while (Fill()) {
  }
  return std::exchange(buffer_, "");
}

void LineInput::Stop() {
  const uint64_t one = 1;
  const ssize_t written = write(stop_.get(), &one, sizeof one);
  static_cast<void>(written);  // eventfds take it
}

bool LineInput::Fill() {
  pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
                  {.fd = stop_.get(), .events = POLLIN, .revents = 0}};
  while (poll(fds, 2, -1) < 0) {
    if (errno != EINTR) return false;
  }
  if (fds[1].revents != 0) {
    buffer_.clear();
    return false;
  }
  char chunk[64 << 10];
  ssize_t size;
  do {
    size = read(STDIN_FILENO, chunk, sizeof chunk);
  } while (size < 0 && errno == EINTR);
  if (size <= 0) return false;
  buffer_.append(chunk, static_cast<size_t>(size));
  return true;
}

}  // namespace udsrpc::tools

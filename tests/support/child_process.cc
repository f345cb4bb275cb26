#include "tests/support/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "absl/time/clock.h"

namespace udsrpc::testing {
namespace {

int PollTimeout(absl::Time deadline) {
  return static_cast<int>(std::max<int64_t>(0, absl::ToInt64Milliseconds(deadline - absl::Now()) + 1));
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& arguments) {
  int in[2];
  int out[2];
  // Its input is a socket, as writing to that raises no SIGPIPE when it has died.
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0 || pipe2(out, O_CLOEXEC) != 0) std::abort();
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) {
    // Only calls that are safe between fork and exec.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(126);
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  if (pid_ < 0) std::abort();
  close(in[0]);
  close(out[1]);
  input_.reset(in[1]);
  output_.reset(out[0]);
  pidfd_.reset(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  if (!pidfd_.valid()) std::abort();
}

ChildProcess::~ChildProcess() {
  if (result_.has_value()) return;
  Kill(SIGKILL);
  Wait();
}

bool ChildProcess::Fill(absl::Time deadline) {
  pollfd readable{.fd = output_.get(), .events = POLLIN, .revents = 0};
  if (poll(&readable, 1, PollTimeout(deadline)) <= 0) return false;
  char bytes[4096];
  const ssize_t count = read(output_.get(), bytes, sizeof(bytes));
  if (count <= 0) return false;
  buffer_.append(bytes, static_cast<size_t>(count));
  return true;
}

std::optional<std::string> ChildProcess::ReadLine(absl::Duration patience) {
  const absl::Time deadline = absl::Now() + patience;
  size_t end;
  while ((end = buffer_.find('\n')) == std::string::npos) {
    if (!Fill(deadline)) return std::nullopt;
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  return line;
}

std::string ChildProcess::ReadAll(absl::Duration patience) {
  const absl::Time deadline = absl::Now() + patience;
  while (Fill(deadline)) {
  }
  return std::exchange(buffer_, "");
}

bool ChildProcess::WriteLine(const std::string& line, absl::Duration patience) {
  const absl::Time deadline = absl::Now() + patience;
  const std::string bytes = line + "\n";
  size_t written = 0;
  while (written < bytes.size()) {
    pollfd writable{.fd = input_.get(), .events = POLLOUT, .revents = 0};
    if (poll(&writable, 1, PollTimeout(deadline)) <= 0) return false;
    const ssize_t count =
        send(input_.get(), bytes.data() + written, bytes.size() - written, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN) return false;
    if (count > 0) written += static_cast<size_t>(count);
  }
  return true;
}

void ChildProcess::Kill(int signal) {
  if (!result_.has_value()) kill(pid_, signal);
}

std::optional<int> ChildProcess::Wait(absl::Duration patience) {
  if (result_.has_value()) return result_;
  pollfd ended{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
  if (poll(&ended, 1, PollTimeout(absl::Now() + patience)) <= 0) return std::nullopt;
  int status;
  if (waitpid(pid_, &status, 0) != pid_) return std::nullopt;
  result_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return result_;
}

}  // namespace udsrpc::testing

#include "server/src/thread_progress.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <string_view>

#include "absl/strings/str_cat.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {
namespace {

// The state in proc(5)'s stat, behind the name, which is in brackets and may itself hold some: R where it runs or may.
bool IsRunnable(pid_t thread) {
  const UniqueFd stat(open(absl::StrCat("/proc/self/task/", thread, "/stat").c_str(), O_RDONLY | O_CLOEXEC));
  if (!stat.valid()) return false;
  char bytes[256];  // more than the number, the name of at most 15 characters, and the state
  const ssize_t size = read(stat.get(), bytes, sizeof bytes);
  const std::string_view text(bytes, size > 0 ? static_cast<size_t>(size) : 0);
  const size_t name_end = text.rfind(") ");
  return name_end != text.npos && text.substr(name_end + 2, 1) == "R";
}

}  // namespace

ThreadProgress ThreadProgress::OfThisThread() {
  ThreadProgress progress;
  if (pthread_getcpuclockid(pthread_self(), &progress.clock_) == 0) progress.thread_ = gettid();
  return progress;
}

void ThreadProgress::Look() {
  timespec cpu;
  if (thread_ == 0 || clock_gettime(clock_, &cpu) != 0) return;
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::nanoseconds used = std::chrono::seconds(cpu.tv_sec) + std::chrono::nanoseconds(cpu.tv_nsec);
  last_wall_ = now - looked_;
  last_cpu_ = used - cpu_;
  looked_ = now;
  cpu_ = used;
}

bool ThreadProgress::IsKeptFromRunning() const {
  return thread_ != 0 && last_cpu_ * 2 < last_wall_ && IsRunnable(thread_);
}

}  // namespace udsrpc

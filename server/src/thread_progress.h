#ifndef UDSRPC_SERVER_THREAD_PROGRESS_H_
#define UDSRPC_SERVER_THREAD_PROGRESS_H_

#include <sys/types.h>
#include <time.h>

#include <chrono>

namespace udsrpc {

// How another thread of this process gets on, as the kernel sees it. Tells one that waits or computes, in whose place
// somebody else may do the rest, from one that only waits for a CPU, where one more thread would make that worse. Not
// thread-safe.
class ThreadProgress {
 public:
  // Of no thread.
  ThreadProgress() = default;
  static ThreadProgress OfThisThread();

  // To be called from time to time while the thread lives: once to begin with, and then to know about the time since.
  // One system call.
  void Look();
  // Whether it could have gone on, in the time between the last two looks, had it been given a CPU: it is runnable, and
  // it had one for less than half of that. False where that cannot be known. Some ten microseconds.
  bool IsKeptFromRunning() const;

 private:
  pid_t thread_ = 0;
  clockid_t clock_ = 0;
  std::chrono::steady_clock::time_point looked_;
  std::chrono::nanoseconds cpu_{0};
  std::chrono::nanoseconds last_wall_{0};
  std::chrono::nanoseconds last_cpu_{0};
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_THREAD_PROGRESS_H_

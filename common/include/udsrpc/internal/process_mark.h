#ifndef UDSRPC_INTERNAL_PROCESS_MARK_H_
#define UDSRPC_INTERNAL_PROCESS_MARK_H_

#include <atomic>

namespace udsrpc::internal {

// Remembers the process that made it, for what is of no use in a child of fork(2): there its threads are missing, its
// locks are as they happened to be, and its connections are the parent's. Not noticed are children of vfork(2),
// clone(2) and _Fork(3), which may do nothing but exec or _exit.
class ProcessMark {
 public:
  ProcessMark() : process_(forks_.load(std::memory_order_relaxed)) {}

  // Whether the calling process is another one.
  bool elsewhere() const { return forks_.load(std::memory_order_relaxed) != process_; }

 private:
  friend void CountFork();
  static std::atomic<unsigned> forks_;  // between the first process and this one

  unsigned process_;
};

}  // namespace udsrpc::internal

#endif  // UDSRPC_INTERNAL_PROCESS_MARK_H_

#ifndef UDSRPC_COMMON_STATS_THREAD_SLOT_H_
#define UDSRPC_COMMON_STATS_THREAD_SLOT_H_

namespace udsrpc {

// A small number that the calling thread has for itself while it lives, for what is counted thread by thread: who alone
// writes a counter needs no atomic addition, which costs ten times as much. Threads that come when all are taken share
// kShared. Thread-safe; a thread that gets a number sees all that the thread before it did with that.
class ThreadSlot {
 public:
  static constexpr int kExclusive = 31;
  static constexpr int kShared = kExclusive;
  static constexpr int kCount = kExclusive + 1;

  static int Mine() { return mine_ >= 0 ? mine_ : Acquire(); }

 private:
  static int Acquire();

  static thread_local int mine_;  // -1: it has not asked yet
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_STATS_THREAD_SLOT_H_

#ifndef UDSRPC_SERVER_EVENT_LOOP_H_
#define UDSRPC_SERVER_EVENT_LOOP_H_

#include <sys/epoll.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/src/deadline.h"
#include "common/src/socket/unique_fd.h"
#include "common/src/spin_policy.h"
#include "common/src/timer_queue.h"
#include "server/src/thread_progress.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// Reads many connections and runs the handlers of their calls, on threads of its own.
//
// One thread at a time leads: it waits for events, reads, runs the handlers of what it read one after the other, and
// flushes what they queued, all without waking anybody. That is the whole of the path while handlers are quick. A
// second thread stands by. When it finds the leader in one and the same handler for about a millisecond, it takes the
// lead over and goes on where the leader was, so that a slow handler delays nobody for longer; the former leader
// answers its call when the handler returns, and joins those that stand by. Threads are started as handlers block and
// end when they are not needed. A leader that only waits for a CPU is not replaced, for some milliseconds: a busy
// machine is not to have more threads for that.
//
// A turn's handlers that are quick but many are interrupted after about a millisecond, too: what they answered is
// flushed, and others are read, before they go on. And the leader never stops reading: where as many handlers run as
// may, it leaves further ones to the threads whose handlers return, and reads on, so that cancellations are heard.
//
// Thread-safe.
class EventLoop {
 public:
  // A handler to run, or to go on with.
  class Task {
   public:
    virtual ~Task() = default;
    // Owns itself by `self`. Where it cannot run yet, sees to it that `self` is handed to Resume when it can.
    virtual void Run(std::unique_ptr<Task> self) = 0;
    // It will have to wait: lets go of what it shares with others, such as the packet that it came in.
    virtual void Park() {}
    // Whether it goes on with a call that a handler has begun to serve, and for which other handlers may wait. It does
    // not block, and runs beside as many handlers as may.
    virtual bool GoesOn() const { return false; }
  };

  // A descriptor that the loop watches. The On... functions are called by the leader, so never by two threads at once.
  class Source : public std::enable_shared_from_this<Source> {
   public:
    virtual ~Source() = default;

    // Reads what is there, up to a bound that keeps the loop fair, and adds the handlers to run. Must not block.
    virtual void OnReadable(std::vector<std::unique_ptr<Task>>& tasks) = 0;
    // The same where it is not known that anything is there; nothing where it does not want to read. Whether anything
    // was.
    virtual bool Poll(std::vector<std::unique_ptr<Task>>& tasks) = 0;
    // There is room to send again.
    virtual void OnWritable() = 0;
    // Sends what is queued, as far as the socket takes it. Must not block. Called by any thread.
    virtual void Flush() = 0;

   private:
    friend class EventLoop;
    uint64_t key_ = 0;                         // constant from Add on
    std::atomic<bool> flush_deferred_{false};  // written with the loop's mutex held
  };

  // At most `max_handlers` handlers (at least 1) run at once. `spin_budget`: see ServerOptions. RESOURCE_EXHAUSTED: no
  // descriptor or thread left.
  static absl::StatusOr<std::unique_ptr<EventLoop>> Create(int max_handlers, absl::Duration spin_budget);

  // After Stop.
  ~EventLoop();

  // Reads from `fd`, and keeps `source`, until Remove. RESOURCE_EXHAUSTED: the kernel's limit of watches.
  absl::Status Add(int fd, const std::shared_ptr<Source>& source);
  // Which events of `fd` are wanted from now on.
  void Watch(int fd, const Source& source, bool readable, bool writable);
  // Before `fd` is closed. A call to the source may still be under way when this returns.
  void Remove(int fd, const Source& source);

  // Where the calling thread leads, has `source` flushed at the end of the turn, together with whatever is queued
  // there by then, and returns true.
  bool DeferFlush(Source& source);

  // Has `source` flushed soon by another thread than the calling one, which goes on; where it leads, another takes the
  // lead over at once. False: the loop has stopped.
  bool FlushSoon(Source& source);

  // The calling thread, which may be running a handler, is about to block: where it leads, another thread takes the
  // lead over at once.
  void AboutToBlock();

  // Runs tasks that were postponed, or that came up beside reading.
  void Resume(std::vector<std::unique_ptr<Task>> tasks);

  // Has `expire` called at `deadline`, or soon after it, by a thread of the loop, unless it is removed before. It must
  // not block. Returns what RemoveTimer wants.
  TimerQueue::Id AddTimer(Deadline::Clock::time_point deadline, TimerQueue::Expire expire);
  // The call may still be under way when this returns.
  void RemoveTimer(TimerQueue::Id timer);

  // Ends the threads, once their handlers have returned, and lets go of the sources. Not from a handler.
  void Stop();

 private:
  EventLoop(UniqueFd epoll, UniqueFd wake_event, int max_handlers, absl::Duration spin_budget);

  void ThreadMain();
  // Returns when another thread has taken the lead over, or the loop stops.
  void Lead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Returns when the calling thread is to lead, or the loop stops.
  void StandBy() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // False: the thread was idle for long and is to end.
  bool Idle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  bool MayRunHandler() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !ready_.empty() && running_handlers_ < max_handlers_;
  }
  bool MayRun() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !going_on_.empty() || MayRunHandler(); }
  // Whether the calling thread leads.
  bool CallerLeads() const;
  void Enqueue(std::unique_ptr<Task> task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    (task->GoesOn() ? going_on_ : ready_).push_back(std::move(task));
  }
  void RunOne() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunReady(uint64_t term) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FlushDeferred() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReadSources() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Blocks for `patience` at most until there are events, which it gives, or until `hot`, which may be null, has been
  // read.
  int WaitForEvents(epoll_event* ready, std::shared_ptr<Source> hot, absl::Duration patience);
  // Reads the sources that have events.
  void ReadReady(const epoll_event* ready, int count) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ExpireTimers() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EnsureStandBy() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const UniqueFd epoll_;
  const UniqueFd wake_event_;
  const int max_handlers_;

  internal::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  bool has_leader_ ABSL_GUARDED_BY(mutex_) = false;
  // Grows with each change of the leader; the leader is the thread that remembers the present term.
  std::atomic<uint64_t> term_{0};  // written with the mutex held
  uint64_t turn_count_ ABSL_GUARDED_BY(mutex_) = 0;
  bool turn_is_long_ ABSL_GUARDED_BY(mutex_) = false;  // the leader is to flush and read before it goes on
  // Odd while the leader runs a handler; grows by two with each.
  uint64_t handler_count_ ABSL_GUARDED_BY(mutex_) = 0;
  ThreadProgress leader_ ABSL_GUARDED_BY(mutex_);
  int running_handlers_ ABSL_GUARDED_BY(mutex_) = 0;

  // What is left of the leader's turn, which whoever leads goes on with, and what has to wait.
  std::deque<std::unique_ptr<Task>> ready_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::unique_ptr<Task>> going_on_
      ABSL_GUARDED_BY(mutex_);                    // of these, what is no handler: in turns with those
  bool went_on_ ABSL_GUARDED_BY(mutex_) = false;  // the last task was of going_on_
  std::vector<std::shared_ptr<Source>> deferred_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<uint64_t, std::shared_ptr<Source>> sources_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_key_ ABSL_GUARDED_BY(mutex_) = 0;
  TimerQueue timers_ ABSL_GUARDED_BY(mutex_);

  // The leader's own between turns, with or without the mutex; kept for their memory.
  struct Event {
    std::shared_ptr<Source> source;
    uint32_t events;
  };
  std::vector<Event> events_;
  uint64_t hot_key_ = 0;    // of the source that alone had something to read in the last turn; 0: none
  unsigned hot_reads_ = 0;  // since others were looked at
  SpinPolicy spin_;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::vector<std::shared_ptr<Source>> flushing_;

  bool has_standby_ ABSL_GUARDED_BY(mutex_) = false;
  bool standby_sleeps_ ABSL_GUARDED_BY(mutex_) = false;
  internal::CondVar standby_;
  int idle_threads_ ABSL_GUARDED_BY(mutex_) = 0;
  internal::CondVar idle_;
  absl::flat_hash_map<std::thread::id, std::thread> threads_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> ended_threads_ ABSL_GUARDED_BY(mutex_);  // to be joined
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_EVENT_LOOP_H_

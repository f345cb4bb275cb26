#ifndef UDSRPC_SERVER_EVENT_LOOP_H_
#define UDSRPC_SERVER_EVENT_LOOP_H_

#include <sys/epoll.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/src/deadline.h"
#include "common/src/socket/socket.h"
#include "common/src/spin_policy.h"
#include "common/src/timer_queue.h"
#include "server/src/auto_reset_event.h"
#include "server/src/handler_slots.h"
#include "server/src/task_queue.h"
#include "server/src/thread_progress.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

// Reads many connections and runs the handlers of their calls, on threads of its own.
//
// One thread at a time leads: it waits for events, reads, runs the handlers of what it read one after the other, and
// flushes what they queued, all without waking anybody. That is the whole of the path while handlers are quick. A
// second thread stands by. When it finds the leader in one and the same handler for about a millisecond (up to five
// where none has been slow for a while), it takes the lead over and goes on where the leader was, so that a slow
// handler delays nobody for longer; the former leader answers its call when the handler returns, and joins those that
// stand by. Threads are started as handlers block and end when they are not needed. A leader that only waits for a CPU
// is not replaced, for some milliseconds: a busy machine is not to have more threads for that.
//
// A turn's handlers that are quick but many are interrupted after as long, too: what they answered is
// flushed, and others are read, before they go on. And the leader never stops reading: where as many handlers run as
// may, it leaves further ones to the threads whose handlers return, and reads on, so that cancellations are heard.
//
// A method that proves to be slow, or is known to be, is not run by the leader at all: its tasks go to other threads,
// as many as may run (see MethodPace). Users take turns, and so do the connections of each (see TurnQueue).
//
// Thread-safe.
class EventLoop {
 public:
  using Task = LoopTask;

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

  // No more handlers run at once than `slots` says, in all loops that share it. `spin_budget`: see ServerOptions.
  // RESOURCE_EXHAUSTED: no descriptor or thread left.
  static absl::StatusOr<std::unique_ptr<EventLoop>> Create(const std::shared_ptr<HandlerSlots>& slots,
                                                           absl::Duration spin_budget);

  // After Stop.
  ~EventLoop();

  // Reads from `fd`, and keeps `source`, until Remove. RESOURCE_EXHAUSTED: the kernel's limit of watches.
  absl::Status Add(int fd, const std::shared_ptr<Source>& source);
  // Which events of `fd` are wanted from now on.
  void Watch(int fd, const Source& source, bool readable, bool writable);
  // Before `fd` is closed. A call to the source may still be under way when this returns.
  void Remove(int fd, const Source& source);

  // Whether the calling thread leads.
  bool CallerLeads() const;
  // Whether it is in ReadOn.
  bool CallerReadsOn() const;
  // A slot has become free in another loop.
  void OnSlotFree() {
    if (starved_.exchange(false)) Wake();
  }
  // The same, and nobody else may take it. False: no task waits for one.
  bool GrantSlotIfStarved() {
    if (!starved_.exchange(false)) return false;
    granted_slots_.fetch_add(1);
    Wake();
    return true;
  }
  int granted_slots() const { return granted_slots_.load(); }
  // False: there is none.
  bool UseGrantedSlot() {
    int granted = granted_slots_.load();
    while (granted > 0) {
      if (granted_slots_.compare_exchange_weak(granted, granted - 1)) return true;
    }
    return false;
  }
  // The leader goes through a turn, where it waits for events.
  void Wake() { SignalWakeEvent(wake_event_.get()); }

  // Where the calling thread leads, has `source` flushed at the end of the turn, together with whatever is queued
  // there by then, and returns true.
  bool DeferFlush(Source& source);

  // Has `source` flushed soon by another thread than the calling one, which goes on; where it leads, another takes the
  // lead over at once. False: the loop has stopped.
  bool FlushSoon(Source& source);

  // The calling thread, which may be running a handler, is about to block: where it leads, another thread takes the
  // lead over at once.
  void AboutToBlock();

  // A handler that waits for something that a source is to read need not block where its thread leads: whether it may
  // read on instead, so that nobody has to be woken for what it waits for. Who has waited for a while and leads no more
  // takes the lead back, where the leader sleeps.
  bool MayReadOn();
  // Does so, where it still may: once, and for `patience` at most. Where that brings tasks, another thread takes the
  // lead over to run them.
  void ReadOn(absl::Duration patience);

  // Runs tasks that were postponed, or that came up beside reading.
  void Resume(std::vector<std::unique_ptr<Task>> tasks);

  // Has `expire` called at `deadline`, or soon after it, by a thread of the loop, unless it is removed before. It must
  // not block. Returns what RemoveTimer wants.
  TimerQueue::Id AddTimer(Deadline::Clock::time_point deadline, TimerQueue::Expire expire);
  // The call may still be under way when this returns.
  void RemoveTimer(TimerQueue::Id timer);

  // Whether the calling thread is one of the loop's.
  bool HasCaller();

  // Ends the threads, once their handlers have returned, and lets go of the sources. Not from a handler.
  void Stop();

 private:
  friend class EventLoopDriver;  // of the fuzzers: leads without any thread of the loop's

  EventLoop(UniqueFd epoll, UniqueFd wake_event, std::shared_ptr<HandlerSlots> slots, absl::Duration spin_budget);
  // Create, but for the first thread.
  static absl::StatusOr<std::unique_ptr<EventLoop>> Make(const std::shared_ptr<HandlerSlots>& slots,
                                                         absl::Duration spin_budget);

  void ThreadMain();
  // Returns when another thread has taken the lead over, or the loop stops.
  void Lead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Returns when the calling thread is to lead, or the loop stops.
  void StandBy() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What who stands by has seen last.
  struct Seen {
    uint64_t handlers;
    uint64_t turns;
    int calm = 0;  // looks that have found it going on, as far as they count
  };
  // Looks at the leader every millisecond, or every few, without the mutex, until it has got nowhere between two looks
  // (false), or the thread is called (true).
  bool WatchLeader(Seen& seen, ThreadProgress& leader);
  // False: the thread was idle for long and is to end.
  bool Idle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Where tasks wait. Of kPool the leader runs none.
  enum Lane { kGoingOn, kInline, kPool, kNone };
  // From which of them the calling thread is to run a task now: in turns.
  Lane NextLane(bool leads) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  TaskQueue& QueueOf(Lane lane) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return lane == kGoingOn ? going_on_ : lane == kInline ? ready_ : pool_;
  }
  const TaskQueue& QueueOf(Lane lane) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return lane == kGoingOn ? going_on_ : lane == kInline ? ready_ : pool_;
  }
  bool CallerMayReadOn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Of a handler whose thread does not lead. Blocks until the former leader has woken up. False: it may not, or the
  // leader is awake, or there is something else to run.
  bool TakeLead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Of the leader, within a handler. Somebody takes over.
  void GiveUpLead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void BecomeLeader() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void BeginHandler(Lane lane);
  void Enqueue(std::unique_ptr<Task> task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Nothing where the last slot has just been taken. The pace of what it ran, of kInline, or null.
  MethodPace* RunOne(Lane lane) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Run(Lane lane, std::unique_ptr<Task> task);
  void RunReady() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FlushDeferred() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Blocks for `patience` at most.
  void ReadSources(absl::Duration patience) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Blocks for `patience` at most until there are events, which it gives, or until `hot`, which may be null, has been
  // read. Where the lead was taken meanwhile it touches nothing more and returns 0.
  int WaitForEvents(epoll_event* ready, std::shared_ptr<Source> hot, absl::Duration patience);
  // Reads the sources that have events.
  void ReadReady(const epoll_event* ready, int count) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ExpireTimers() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EnsureStandBy() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Nobody stands by, nor is about to: no thread was to be had.
  bool LacksStandBy() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !has_standby_ && starting_ == 0 && summoned_ == 0;
  }
  // Whether, where the leader gives up the lead, there is another thread that leads on. Tries to start one.
  bool SomebodyTakesOver() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Has a thread look for a task of kPool, unless some are about to. False: there is none to be had.
  bool SummonThread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The same where there is something for it to do; the leader does it where there is none.
  void SummonForPool() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool WakeOrStartThread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Of a counter that one thread at a time changes, and others look at.
  static void Bump(std::atomic<uint64_t>& counter) {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  static thread_local bool waited_;                  // the calling thread, in a handler
  static thread_local const EventLoop* regainable_;  // whose lead that handler may take back

  const UniqueFd epoll_;
  const UniqueFd wake_event_;
  const std::shared_ptr<HandlerSlots> slots_;
  mutable std::atomic<bool> starved_{false};  // tasks wait for a slot
  std::atomic<int> granted_slots_{0};         // that are taken, and no handler runs in

  internal::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  bool has_leader_ ABSL_GUARDED_BY(mutex_) = false;
  // Grows with each change of the leader; the leader is the thread that remembers the present term.
  std::atomic<uint64_t> term_{0};  // written with the mutex held
  // Of the leader while it sleeps in no handler; 0: it does not, or the lead was taken from it, which it finds when it
  // wakes, and says so.
  std::atomic<uint64_t> sleeping_term_{0};
  int evicting_ ABSL_GUARDED_BY(mutex_) = 0;  // who have yet to find it
  internal::CondVar evicted_;
  // These are written with the mutex held, but for what says otherwise; who stands by looks at them without it.
  std::atomic<uint64_t> turn_count_{0};
  std::atomic<bool> turn_is_long_{false};  // the leader is to flush and read before it goes on; set without the mutex
  // Odd while the leader runs a handler; grows by two with each.
  std::atomic<uint64_t> handler_count_{0};
  MethodPace* leader_pace_ ABSL_GUARDED_BY(mutex_) = nullptr;  // of that handler
  ThreadProgress leader_ ABSL_GUARDED_BY(mutex_);
  size_t going_on_threads_ ABSL_GUARDED_BY(mutex_) = 0;  // that run a task of kGoingOn

  // What is left of the leader's turn, which whoever leads goes on with, and what has to wait; what other threads are
  // to run; and what is no handler.
  TaskQueue ready_ ABSL_GUARDED_BY(mutex_){0};
  TaskQueue pool_ ABSL_GUARDED_BY(mutex_){1};
  TaskQueue going_on_ ABSL_GUARDED_BY(mutex_){0};  // of nobody
  Lane last_lane_ ABSL_GUARDED_BY(mutex_) = kPool;
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
  AutoResetEvent standby_;
  int idle_threads_ ABSL_GUARDED_BY(mutex_) = 0;
  int summoned_ ABSL_GUARDED_BY(mutex_) = 0;  // of these, how many have been told to look
  int starting_ ABSL_GUARDED_BY(mutex_) = 0;  // and those that are to look first of all
  // Where no thread was to be had: not to be tried again before. Else in the past.
  Deadline::Clock::time_point next_start_ ABSL_GUARDED_BY(mutex_);
  internal::CondVar idle_;
  absl::flat_hash_map<std::thread::id, std::thread> threads_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> ended_threads_ ABSL_GUARDED_BY(mutex_);  // to be joined
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_EVENT_LOOP_H_

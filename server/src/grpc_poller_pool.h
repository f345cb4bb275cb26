#ifndef UDSRPC_SERVER_GRPC_POLLER_POOL_H_
#define UDSRPC_SERVER_GRPC_POLLER_POOL_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/src/thread_progress.h"
#include "server/src/turn_queue.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// The threads that poll a queue of events and run the handlers that these call for.
//
// As a rule one thread polls, and runs a handler on the spot, so that nobody is woken: with two threads polling, a lone
// caller's calls took 10 to 25 % longer. Another thread takes the polling over
//   - at once, where the handler is known to take long;
//   - after about a millisecond, where it turns out to: while handlers run, a parked thread looks once a millisecond,
//     and is patient with one that only waits for a CPU, where another thread would not get on either;
//   - beside the first, where one thread's whole time goes into it, up to `max_pollers`.
// A handler that waits for an event of the queue says so by Await. Where nobody else polls, its thread polls until its
// event has come, so that here, too, nobody is woken; when a handler is to be run meanwhile, another thread takes over.
//
// At most `max_handlers` handlers run at a time and the rest wait their turn (see TurnQueue); polling goes on beside
// them, and so do those that go on with what has begun, for which others may wait. Threads start as they are needed and
// end when they have long had nothing to do. Thread-safe.
class GrpcPollerPool {
 public:
  class Handler : public TurnTaker::Waiting {
   public:
    // How long the handler takes, usually. Shared by handlers of one kind and kept up by the pool. Thread-safe.
    class UsualTime {
     public:
      // These handlers are coroutines and do not block. Where one takes long it has been waiting for a CPU, where
      // another thread would not get on either, or it breaks that promise and is seen to after a millisecond.
      void SetNeverBlocks() { never_blocks_.store(true, std::memory_order_relaxed); }
      void Add(std::chrono::nanoseconds took);
      // Whether another thread is better called before such a handler runs.
      bool IsLong() const;

     private:
      std::atomic<int64_t> nanoseconds_{0};
      std::atomic<bool> never_blocks_{false};
    };

    virtual ~Handler() = default;
    virtual void Run() = 0;
    virtual UsualTime& usual_time() = 0;
    // Whether it goes on with a call that a handler has begun to serve.
    virtual bool begun() const { return false; }
  };

  // An event that a thread waits for by Await, again and again, once at a time.
  class Completion {
   public:
    // The event is to come from now on.
    void Begin() { pending_.store(true, std::memory_order_relaxed); }

   private:
    friend class GrpcPollerPool;

    std::atomic<bool> pending_{false};  // cleared under the pool's lock
    bool awaited_ = false;              // guarded by the pool's lock
    internal::CondVar wake_;
  };

  class Source {
   public:
    virtual ~Source() = default;
    // Blocks for the next event and does what it asks for, short of running a handler, which it returns, or null in
    // `handler`. False: no event will come any more. Called by several threads at a time.
    virtual bool Next(Handler*& handler) = 0;
  };

  struct Limits {
    int max_handlers;
    int max_pollers;
    // So many handlers that wait are a backlog.
    size_t backlog = 16384;
    // From this share of its time on a CPU on, a polling thread gets company.
    double busy = 0.9;
    // How long a thread stays with nothing to do. gRPC's synchronous server keeps its own for as long.
    absl::Duration idle = absl::Seconds(10);
  };

  // `source` must outlive the pool.
  GrpcPollerPool(Source& source, const Limits& limits);
  // After Join, or where Start failed or was never called.
  ~GrpcPollerPool();
  GrpcPollerPool(const GrpcPollerPool&) = delete;
  GrpcPollerPool& operator=(const GrpcPollerPool&) = delete;

  // RESOURCE_EXHAUSTED: the system starts no more threads. Nothing polls then.
  absl::Status Start();

  // Blocks until the event has come that `completion` stands for; at once where none is to come. For a handler's
  // thread, and for threads that work for a handler.
  void Await(Completion& completion);
  // The event has come. Called by Source::Next. `completion` may be gone when this returns.
  void Complete(Completion& completion);

  // Whether so many handlers wait for others to end that no more had better come.
  bool Backlogged() const { return backlogged_.load(); }
  // Takes back the handlers that wait and that have not begun.
  std::vector<Handler*> TakeWaiting();

  // Whether the calling thread is one of the pool's.
  bool HasCaller();

  // Blocks until the source has ended, every handler has returned and all threads are gone.
  void Join();

 private:
  using Clock = std::chrono::steady_clock;
  struct Parked;
  struct Load;

  void Run(std::list<std::thread>::iterator self, bool polls, Handler* handler);
  // Parks the calling thread until it is called to poll, beginning with `handler` where it is not null. False: it is to
  // end.
  bool Park(Handler*& handler);
  // Polls until the source ends, or until enough others poll. `handler`, if any, is the first event.
  void Poll(Handler* handler);
  // Runs `handler`, or leaves it to another thread. False: the calling thread is not to poll any more.
  bool RunHandlers(Handler& handler, Load& load);
  static void RunTimed(Handler& handler);
  // The next handler for a thread that has run one, or null; then it tells in `polls` whether the thread is to poll.
  Handler* AfterHandler(bool& polls);
  void AddWaiting(Handler& handler) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Not where there is none.
  Handler* NextWaiting() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether the calling thread, which polls, is better replaced by the handlers that wait for what it finds.
  bool YieldToWaiting();
  // Polls until the event has come, or until another thread has taken over.
  void PollFor(Completion& completion) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Has another thread poll in place of the calling one, beginning with `handler`. False: it waits its turn instead,
  // and the calling thread polls on.
  bool HandOver(Handler& handler) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The calling thread polls no more.
  void LeavePolling() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes stock of a polling thread's load, and has more threads poll, or fewer.
  void Balance(const Load& load);

  // Has one more thread poll, beginning with `handler` where it is not null. False: there are no more threads.
  bool CallPoller(Handler* handler = nullptr) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Sees to it that a parked thread looks at the others.
  void EnsureLooks() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The look. True: the looking thread is to poll.
  bool Look() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool StartThread(bool polls, Handler* handler) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void JoinEnded();

  Source& source_;
  const Limits limits_;
  std::atomic<bool> backlogged_{false};  // by the size of waiting_
  std::atomic<int> woken_in_a_row_{0};   // waiting threads, since a handler was last begun

  internal::Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  int wanted_pollers_ ABSL_GUARDED_BY(mutex_) = 1;
  int pollers_ ABSL_GUARDED_BY(mutex_) = 0;  // threads that poll, or have been called to
  // One of them is in Await. Then nobody else polls: what it waits for would not bring it back.
  bool poller_awaits_ ABSL_GUARDED_BY(mutex_) = false;
  int handlers_ ABSL_GUARDED_BY(mutex_) = 0;  // threads in handlers
  TurnQueue waiting_ ABSL_GUARDED_BY(mutex_){0};
  std::deque<Handler*> going_on_ ABSL_GUARDED_BY(mutex_);  // with what has begun, where there was no thread for it
  std::vector<Parked*> parked_ ABSL_GUARDED_BY(mutex_);    // the one that parked last is at the back, and called first

  bool looks_wanted_ ABSL_GUARDED_BY(mutex_) = false;
  bool looker_starts_ ABSL_GUARDED_BY(mutex_) = false;  // a thread has been started for it
  Parked* looker_ ABSL_GUARDED_BY(mutex_) = nullptr;
  int quiet_looks_ ABSL_GUARDED_BY(mutex_) = 0;  // in a row
  uint64_t handlers_ever_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t handlers_at_look_ ABSL_GUARDED_BY(mutex_) = 0;
  // Where pollers_ is 0: since when, whose handler polling waits for, and for how many looks in a row it has not run.
  Clock::time_point unpolled_since_ ABSL_GUARDED_BY(mutex_);
  ThreadProgress last_poller_ ABSL_GUARDED_BY(mutex_);
  int patient_looks_ ABSL_GUARDED_BY(mutex_) = 0;

  std::list<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
  std::list<std::thread> ended_threads_ ABSL_GUARDED_BY(mutex_);
  internal::CondVar threads_gone_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_GRPC_POLLER_POOL_H_

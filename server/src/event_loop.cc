#include "server/src/event_loop.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/src/socket/socket.h"
#include "server/src/epoll_wait.h"

namespace udsrpc {
namespace {

// Events taken at once; bounds what one turn reads before it answers.
constexpr int kMaxEvents = 64;

constexpr uint64_t kWakeKey = 0;

// The others are looked at when the source that is hot has been read so often, a successful read counting once more for
// each task that came of it.
constexpr unsigned kHotReads = 16;
constexpr unsigned kHotReadCounts = 1;

// Which loop the calling thread leads, and its term there. Stale once another thread has taken over.
thread_local const EventLoop* led_loop = nullptr;
thread_local uint64_t led_term = 0;
thread_local bool reads_on = false;

// Of the calling thread's handler, while another thread led.
thread_local int waits_without_lead = 0;

// How long a leader waits for events where it is short of threads, to look whether one is to be had again.
constexpr absl::Duration kThreadRetry = absl::Milliseconds(10);

// After so many waits: to lead in turns with another thread costs more than it gains.
constexpr int kWaitsToRegain = 8;

absl::Status EpollError(absl::string_view what) {
  return absl::ResourceExhaustedError(absl::StrCat(what, ": ", std::generic_category().message(errno)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<EventLoop>> EventLoop::Create(const std::shared_ptr<HandlerSlots>& slots,
                                                             absl::Duration spin_budget) {
  absl::StatusOr<std::unique_ptr<EventLoop>> made = Make(slots, spin_budget);
  if (!made.ok()) return made;
  EventLoop& loop = **made;
  internal::MutexLock lock(loop.mutex_);
  loop.EnsureStandBy();
  if (loop.threads_.empty()) return absl::ResourceExhaustedError("cannot start a thread; raise the limit of threads");
  return made;
}

absl::StatusOr<std::unique_ptr<EventLoop>> EventLoop::Make(const std::shared_ptr<HandlerSlots>& slots,
                                                           absl::Duration spin_budget) {
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return EpollError("cannot open an epoll");
  absl::StatusOr<UniqueFd> wake_event = OpenWakeEvent();
  if (!wake_event.ok()) return wake_event.status();
  epoll_event event{.events = EPOLLIN, .data = {.u64 = kWakeKey}};
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake_event->get(), &event) != 0) return EpollError("cannot use epoll");
  std::unique_ptr<EventLoop> loop(new EventLoop(std::move(epoll), *std::move(wake_event), slots, spin_budget));
  slots->AddLoop(*loop);
  return loop;
}

EventLoop::EventLoop(UniqueFd epoll, UniqueFd wake_event, std::shared_ptr<HandlerSlots> slots,
                     absl::Duration spin_budget)
    : epoll_(std::move(epoll)), wake_event_(std::move(wake_event)), slots_(std::move(slots)), spin_(spin_budget) {}

EventLoop::~EventLoop() = default;

absl::Status EventLoop::Add(int fd, const std::shared_ptr<Source>& source) {
  internal::MutexLock lock(mutex_);
  source->key_ = ++last_key_;
  epoll_event event{.events = EPOLLIN, .data = {.u64 = source->key_}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return EpollError("cannot watch a connection");
  sources_.emplace(source->key_, source);
  return absl::OkStatus();
}

void EventLoop::Watch(int fd, const Source& source, bool readable, bool writable) {
  epoll_event event{.events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U), .data = {.u64 = source.key_}};
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void EventLoop::Remove(int fd, const Source& source) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  std::shared_ptr<Source> last;  // destroyed without the mutex
  internal::MutexLock lock(mutex_);
  const auto found = sources_.find(source.key_);
  if (found == sources_.end()) return;
  last = std::move(found->second);
  sources_.erase(found);
}

bool EventLoop::CallerLeads() const { return led_loop == this && led_term == term_.load(std::memory_order_relaxed); }

bool EventLoop::CallerReadsOn() const { return reads_on && led_loop == this; }

bool EventLoop::DeferFlush(Source& source) {
  if (!CallerLeads()) return false;
  // What was queued before this is flushed with the rest: its flush begins, with a lock of the source's, behind the
  // change of what is read here.
  if (source.flush_deferred_.load(std::memory_order_relaxed)) return true;
  internal::MutexLock lock(mutex_);
  if (!CallerLeads() || stopping_) return false;
  if (!source.flush_deferred_.exchange(true)) deferred_.push_back(source.shared_from_this());
  return true;
}

bool EventLoop::FlushSoon(Source& source) {
  AboutToBlock();
  if (source.flush_deferred_.load(std::memory_order_relaxed)) return true;  // as in DeferFlush
  internal::MutexLock lock(mutex_);
  if (stopping_) return false;
  if (source.flush_deferred_.exchange(true)) return true;
  deferred_.push_back(source.shared_from_this());
  SignalWakeEvent(wake_event_.get());
  return true;
}

void EventLoop::AboutToBlock() {
  waited_ = true;
  if (led_loop != this) return;
  internal::MutexLock lock(mutex_);
  const bool in_handler = handler_count_ % 2 == 1;
  // What a connection's end has called back runs within a turn, which is not to be left halfway.
  if (led_term == term_ && !in_handler) return;
  if (led_term == term_) {
    if (SomebodyTakesOver()) GiveUpLead();
  } else {
    led_loop = nullptr;
    regainable_ = nullptr;  // it was overtaken, so it may be slow again
  }
}

void EventLoop::GiveUpLead() {
  led_loop = nullptr;
  ++term_;
  Bump(handler_count_);  // even: the next leader runs none yet
  has_leader_ = false;
  leader_pace_ = nullptr;  // to wait is not to be slow
  standby_sleeps_ = false;
  standby_.Set();
  EnsureStandBy();
}

bool EventLoop::SomebodyTakesOver() {
  if (LacksStandBy()) EnsureStandBy();
  return !LacksStandBy();
}

bool EventLoop::CallerMayReadOn() {
  // Not within a turn, as in AboutToBlock.
  if (!CallerLeads() || handler_count_ % 2 == 0 || stopping_) return false;
  // What waits to be run is not to wait for this handler, unless there is no other thread to be had: then at least the
  // handlers that run are to hear of what comes for them.
  return NextLane(/*leads=*/true) == kNone || !SomebodyTakesOver();
}

bool EventLoop::MayReadOn() {
  const bool leads = CallerLeads();
  if (!leads && (regainable_ != this || ++waits_without_lead < kWaitsToRegain)) return false;
  internal::MutexLock lock(mutex_);
  return (leads || TakeLead()) && CallerMayReadOn();
}

bool EventLoop::TakeLead() {
  uint64_t sleeping = term_;
  if (stopping_ || led_loop == this || NextLane(/*leads=*/true) != kNone) return false;
  if (!sleeping_term_.compare_exchange_strong(sleeping, 0)) return false;
  BecomeLeader();
  waits_without_lead = 0;
  Bump(handler_count_);  // odd: in a handler
  if (std::exchange(standby_sleeps_, false)) standby_.Set();
  // Left in the kernel it would be woken beside this thread, for nothing, again and again.
  ++evicting_;
  SignalWakeEvent(wake_event_.get());
  while (evicting_ > 0) evicted_.Wait(mutex_);
  return true;
}

void EventLoop::ReadOn(absl::Duration patience) {
  internal::MutexLock lock(mutex_);
  if (!CallerMayReadOn()) return;
  Bump(handler_count_);  // even: it runs none meanwhile, and nobody takes the lead over
  reads_on = true;
  FlushDeferred();
  ReadSources(patience);
  reads_on = false;
  Bump(handler_count_);
  leader_pace_ = nullptr;
  if (NextLane(/*leads=*/true) != kNone && SomebodyTakesOver()) return GiveUpLead();
  if (std::exchange(standby_sleeps_, false)) standby_.Set();
}

void EventLoop::Resume(std::vector<std::unique_ptr<Task>> tasks) {
  internal::MutexLock lock(mutex_);
  for (std::unique_ptr<Task>& task : tasks) Enqueue(std::move(task));
  // The leader comes by itself, before it waits again.
  if (!CallerLeads()) SignalWakeEvent(wake_event_.get());
}

TimerQueue::Id EventLoop::AddTimer(Deadline::Clock::time_point deadline, TimerQueue::Expire expire) {
  internal::MutexLock lock(mutex_);
  const bool is_next = deadline < timers_.next();
  const TimerQueue::Id timer = timers_.Add(deadline, std::move(expire));
  if (is_next && !CallerLeads()) SignalWakeEvent(wake_event_.get());  // the leader waits for a later one
  return timer;
}

void EventLoop::RemoveTimer(TimerQueue::Id timer) {
  TimerQueue::Expire removed;  // destroyed without the mutex
  internal::MutexLock lock(mutex_);
  removed = timers_.Remove(timer);
}

bool EventLoop::HasCaller() {
  internal::MutexLock lock(mutex_);
  return threads_.contains(std::this_thread::get_id());
}

void EventLoop::Stop() {
  absl::flat_hash_map<std::thread::id, std::thread> threads;
  std::vector<std::thread> ended;
  {
    internal::MutexLock lock(mutex_);
    stopping_ = true;
    SignalWakeEvent(wake_event_.get());
    standby_.Set();
    idle_.SignalAll();
    threads.swap(threads_);
    ended.swap(ended_threads_);
  }
  for (auto& [id, thread] : threads) thread.join();
  for (std::thread& thread : ended) thread.join();
  internal::MutexLock lock(mutex_);
  ready_.Clear();
  pool_.Clear();
  going_on_.Clear();
  deferred_.clear();
  sources_.clear();
}

void EventLoop::BeginHandler(Lane lane) {
  // Not what the handler before it was overtaken for.
  if (!CallerLeads()) led_loop = nullptr;
  waits_without_lead = 0;
  regainable_ = lane == kInline ? this : nullptr;
}

void EventLoop::BecomeLeader() {
  led_loop = this;
  led_term = ++term_;
  leader_ = ThreadProgress::OfThisThread();
  leader_pace_ = nullptr;
}

void EventLoop::Lead() {
  BecomeLeader();
  EnsureStandBy();
  FlushDeferred();  // what the former leader had answered before it got stuck
  while (!stopping_ && CallerLeads()) {
    RunReady();
    if (!CallerLeads()) break;
    if (LacksStandBy()) EnsureStandBy();
    SummonForPool();
    FlushDeferred();
    ReadSources(absl::InfiniteDuration());
  }
  led_loop = nullptr;
}

void EventLoop::FlushDeferred() {
  if (deferred_.empty()) return;
  flushing_.swap(deferred_);
  for (const std::shared_ptr<Source>& source : flushing_) source->flush_deferred_ = false;
  mutex_.Unlock();
  for (const std::shared_ptr<Source>& source : flushing_) source->Flush();
  flushing_.clear();
  mutex_.Lock();
}

void EventLoop::ReadSources(absl::Duration patience) {
  if (stopping_) return;
  if (granted_slots() > 0 && ready_.empty() && pool_.empty()) slots_->GiveBackGranted(*this);
  Bump(turn_count_);
  turn_is_long_ = false;
  if (LacksStandBy()) patience = std::min(patience, kThreadRetry);
  const bool waits_for_thread = reads_on && LacksStandBy();
  if (!deferred_.empty() || (NextLane(/*leads=*/true) != kNone && !waits_for_thread)) {
    patience = absl::ZeroDuration();
  } else if (!timers_.empty()) {
    patience = std::min(patience, timers_.Remaining(Deadline::Clock::now()));
  }
  const auto hot = hot_key_ == 0 ? sources_.end() : sources_.find(hot_key_);
  std::shared_ptr<Source> hot_source = hot == sources_.end() ? nullptr : hot->second;
  mutex_.Unlock();
  epoll_event ready[kMaxEvents];
  const int count = WaitForEvents(ready, std::move(hot_source), patience);
  mutex_.Lock();
  if (!CallerLeads()) {
    --evicting_;
    return evicted_.SignalAll();
  }
  ReadReady(ready, count);
  ExpireTimers();  // behind what has come: a connection with a call on its way is not idle
  const bool must_wait = !ready_.empty() || slots_->available(*this) == 0;
  for (std::unique_ptr<Task>& task : tasks_) {
    if (must_wait) task->Park();
    Enqueue(std::move(task));
  }
  tasks_.clear();
}

int EventLoop::WaitForEvents(epoll_event* ready, std::shared_ptr<Source> hot, absl::Duration patience) {
  int count = 0;
  const auto attempt = [&] {
    if (hot != nullptr && hot_reads_ < kHotReads) {
      const bool was_read = hot->Poll(tasks_);
      hot_reads_ += was_read ? kHotReadCounts + static_cast<unsigned>(tasks_.size()) : 1;
      return was_read;
    }
    hot_reads_ = 0;
    count = WaitOnEpoll(epoll_.get(), ready, kMaxEvents, absl::ZeroDuration());
    return count > 0;
  };
  const SpinPolicy::Clock::time_point start = SpinPolicy::Clock::now();
  if (Spin(spin_, start, absl::ToChronoNanoseconds(patience), attempt)) return count;
  hot.reset();  // it may end while this thread sleeps
  if (patience != absl::InfiniteDuration() && patience > absl::ZeroDuration()) {
    patience = std::max(patience - absl::FromChrono(SpinPolicy::Clock::now() - start), absl::ZeroDuration());
  }
  uint64_t term = led_term;
  const bool may_be_evicted = !reads_on && patience > absl::ZeroDuration();
  if (may_be_evicted) sleeping_term_.store(term, std::memory_order_release);
  count = WaitOnEpoll(epoll_.get(), ready, kMaxEvents, patience);
  if (may_be_evicted && !sleeping_term_.compare_exchange_strong(term, 0)) return 0;
  if (count > 0 && patience > absl::ZeroDuration()) {
    spin_.OnSlept(start, SpinPolicy::Clock::now());
  }
  return count;
}

void EventLoop::ReadReady(const epoll_event* ready, int count) {
  for (int i = 0; i < count; ++i) {
    const uint64_t key = ready[i].data.u64;  // a copy: where it is, it is not aligned
    if (key == kWakeKey) {
      if (evicting_ == 0) ClearWakeEvent(wake_event_.get());
      continue;
    }
    const auto found = sources_.find(key);
    if (found != sources_.end()) events_.push_back(Event{.source = found->second, .events = ready[i].events});
  }
  if (!events_.empty()) hot_key_ = events_.size() == 1 ? events_.front().source->key_ : 0;
  mutex_.Unlock();
  for (const Event& event : events_) {
    if ((event.events & (EPOLLOUT | EPOLLERR)) != 0) event.source->OnWritable();
    if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) event.source->OnReadable(tasks_);
  }
  events_.clear();
  mutex_.Lock();
}

void EventLoop::ExpireTimers() {
  if (timers_.empty()) return;
  const Deadline::Clock::time_point now = Deadline::Clock::now();
  while (timers_.next() <= now) {
    TimerQueue::Expire expire = timers_.PopNext();
    mutex_.Unlock();
    std::move(expire)();
    expire = nullptr;
    mutex_.Lock();
  }
}

}  // namespace udsrpc

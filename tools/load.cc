#include "tools/load.h"

#include <sys/prctl.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc::tools {
namespace {

// The context of one call after the other. Thread-safe.
class ContextSlot {
 public:
  // For the next call; the former has ended.
  ClientContext& Renew(const LoadPlan& plan) ABSL_LOCKS_EXCLUDED(mutex_) {
    const internal::MutexLock lock(mutex_);
    context_.emplace();
    PrepareCall(plan, &*context_);
    if (cancelled_) context_->Cancel();
    return *context_;
  }
  // The call under way, and each later one.
  void Cancel() ABSL_LOCKS_EXCLUDED(mutex_) {
    const internal::MutexLock lock(mutex_);
    cancelled_ = true;
    if (context_.has_value()) context_->Cancel();
  }

 private:
  internal::Mutex mutex_;
  std::optional<ClientContext> context_ ABSL_GUARDED_BY(mutex_);
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

// Counts down to the end.
class EndCount {
 public:
  explicit EndCount(size_t left) : left_(left) {}

  void Leave() ABSL_LOCKS_EXCLUDED(mutex_) {
    const internal::MutexLock lock(mutex_);
    if (--left_ == 0) ended_.SignalAll();
  }
  bool Await(absl::Duration patience) ABSL_LOCKS_EXCLUDED(mutex_) {
    const LoadClock::time_point give_up = LoadClock::now() + absl::ToChronoNanoseconds(patience);
    const internal::MutexLock lock(mutex_);
    while (left_ > 0) {
      const LoadClock::time_point now = LoadClock::now();
      if (now >= give_up) return false;
      ended_.WaitWithTimeout(mutex_, absl::FromChrono(give_up - now));
    }
    return true;
  }

 private:
  internal::Mutex mutex_;
  internal::CondVar ended_;
  size_t left_ ABSL_GUARDED_BY(mutex_);
};

// A thread for each call that is outstanding.
class BlockingLoad final : public Load {
 public:
  BlockingLoad(const LoadPlan& plan, LoadRecord* record)
      : plan_(plan),
        record_(*record),
        contexts_(static_cast<size_t>(plan.concurrency)),
        running_(static_cast<size_t>(plan.concurrency)) {
    for (size_t i = 0; i < contexts_.size(); ++i) {
      threads_.emplace_back([this, i] {
        Run(*plan_.channels[i % plan_.channels.size()], &contexts_[i]);
        running_.Leave();
      });
    }
  }
  ~BlockingLoad() override {
    for (std::thread& thread : threads_) thread.join();
  }

  bool AwaitEnd(absl::Duration patience) override { return running_.Await(patience); }
  void CancelCalls() override {
    for (ContextSlot& context : contexts_) context.Cancel();
  }

 private:
  void Run(Channel& channel, ContextSlot* context) {
    for (LoadClock::time_point now = LoadClock::now(); now < record_.until();) {
      const LoadClock::time_point begun = now;
      const auto [status, messages] = MakeCall(plan_, channel, &context->Renew(plan_));
      now = LoadClock::now();
      record_.Add(begun, now, status, messages);
    }
  }

  const LoadPlan& plan_;
  LoadRecord& record_;
  std::vector<ContextSlot> contexts_;
  EndCount running_;
  std::vector<std::thread> threads_;
};

// One of the calls that are outstanding, without a thread.
struct AsyncSlot {
  Channel* channel = nullptr;
  ContextSlot context;
  google::protobuf::Empty response;
  LoadClock::time_point intended;
};

std::vector<AsyncSlot> MakeSlots(const LoadPlan& plan) {
  std::vector<AsyncSlot> slots(static_cast<size_t>(plan.concurrency));
  for (size_t i = 0; i < slots.size(); ++i) slots[i].channel = plan.channels[i % plan.channels.size()].get();
  return slots;
}

// Each call begins when another ends, on the thread that is told of it.
class ClosedLoad final : public Load {
 public:
  ClosedLoad(const LoadPlan& plan, LoadRecord* record)
      : plan_(plan), record_(*record), slots_(MakeSlots(plan)), running_(slots_.size()) {
    for (AsyncSlot& slot : slots_) Begin(&slot, LoadClock::now());
  }

  bool AwaitEnd(absl::Duration patience) override { return running_.Await(patience); }
  void CancelCalls() override {
    for (AsyncSlot& slot : slots_) slot.context.Cancel();
  }

 private:
  void Begin(AsyncSlot* slot, LoadClock::time_point now) {
    slot->intended = now;
    slot->channel->UnaryCall(plan_.method, slot->context.Renew(plan_), plan_.request, slot->response,
                             [this, slot](const absl::Status& status) { OnEnd(slot, status); });
  }

  void OnEnd(AsyncSlot* slot, const absl::Status& status) {
    const LoadClock::time_point now = LoadClock::now();
    record_.Add(slot->intended, now, status, 1);
    if (now < record_.until()) return Begin(slot, now);
    running_.Leave();
  }

  const LoadPlan& plan_;
  LoadRecord& record_;
  std::vector<AsyncSlot> slots_;
  EndCount running_;
};

// Calls begin when a schedule says, as long as not too many are outstanding; then they begin later, and their latency
// counts from when they were due all the same.
class OpenLoad final : public Load {
 public:
  OpenLoad(const LoadPlan& plan, LoadRecord* record)
      : plan_(plan), record_(*record), begin_(LoadClock::now()), slots_(MakeSlots(plan)) {
    for (AsyncSlot& slot : slots_) free_.push_back(&slot);
    scheduler_ = std::thread([this] { Schedule(); });
  }
  ~OpenLoad() override { scheduler_.join(); }

  bool AwaitEnd(absl::Duration patience) override {
    const LoadClock::time_point give_up = LoadClock::now() + absl::ToChronoNanoseconds(patience);
    const internal::MutexLock lock(mutex_);
    while (!scheduled_ || free_.size() < slots_.size()) {
      const LoadClock::time_point now = LoadClock::now();
      if (now >= give_up) return false;
      freed_.WaitWithTimeout(mutex_, absl::FromChrono(give_up - now));
    }
    return true;
  }
  void CancelCalls() override {
    for (AsyncSlot& slot : slots_) slot.context.Cancel();
  }
  uint64_t never_begun() const override { return never_begun_; }
  LoadClock::duration longest_due() const override { return longest_due_; }

 private:
  // So that one who has ended the time early is not waited for.
  static constexpr std::chrono::milliseconds kLongestSleep{100};
  // What was due just before the end still begins, where the scheduler was woken too late for it.
  static constexpr std::chrono::milliseconds kLastMoment{20};

  LoadClock::time_point TimeOf(uint64_t call) const {
    return begin_ + std::chrono::duration_cast<LoadClock::duration>(
                        std::chrono::duration<double>(static_cast<double>(call) / *plan_.rate));
  }

  uint64_t FirstMeasured() const {
    const double warmup = std::chrono::duration<double>(record_.from() - begin_).count();
    auto call = static_cast<uint64_t>(std::max(std::floor(warmup * *plan_.rate), 0.0));
    while (TimeOf(call) < record_.from()) ++call;
    return call;
  }

  void Schedule() {
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);  // in nanoseconds; the default of 50 us would be in every latency
    uint64_t call = 0;
    for (; TimeOf(call) < record_.until(); ++call) {
      if (!SleepUntil(TimeOf(call))) break;
      if (TimeOf(call) < record_.from() && LoadClock::now() >= record_.from()) {
        call = FirstMeasured();  // what the warm-up leaves behind is not the measured time's
      }
      AsyncSlot* const slot = TakeFree();
      if (slot == nullptr) break;
      const LoadClock::time_point now = LoadClock::now();
      slot->intended = TimeOf(call);
      if (slot->intended >= record_.from()) record_.AddDelay(now - slot->intended);
      slot->channel->UnaryCall(plan_.method, slot->context.Renew(plan_), plan_.request, slot->response,
                               [this, slot](const absl::Status& status) { OnEnd(slot, status); });
    }
    CountNeverBegun(call);
    const internal::MutexLock lock(mutex_);
    scheduled_ = true;
    freed_.SignalAll();
  }

  void CountNeverBegun(uint64_t call) {
    const LoadClock::time_point until = record_.until();
    const double due = std::chrono::duration<double>(until - begin_).count() * *plan_.rate;
    if (TimeOf(call) >= until || due <= static_cast<double>(call)) return;
    never_begun_ = static_cast<uint64_t>(std::ceil(due)) - call;
    longest_due_ = until - TimeOf(call);
  }

  // False: the time is over.
  bool SleepUntil(LoadClock::time_point due) const {
    for (LoadClock::time_point now = LoadClock::now(); now < due; now = LoadClock::now()) {
      if (due >= record_.until()) return false;
      std::this_thread::sleep_for(std::min<LoadClock::duration>(due - now, kLongestSleep));
    }
    return true;
  }

  // Null: the time is over.
  AsyncSlot* TakeFree() ABSL_LOCKS_EXCLUDED(mutex_) {
    const internal::MutexLock lock(mutex_);
    while (free_.empty()) {
      if (LoadClock::now() >= record_.until()) return nullptr;
      freed_.WaitWithTimeout(mutex_, absl::FromChrono(kLongestSleep));
    }
    if (LoadClock::now() >= record_.until() + kLastMoment) return nullptr;
    AsyncSlot* const slot = free_.front();
    free_.pop_front();
    return slot;
  }

  void OnEnd(AsyncSlot* slot, const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_) {
    record_.Add(slot->intended, LoadClock::now(), status, 1);
    const internal::MutexLock lock(mutex_);
    free_.push_back(slot);
    // Nobody waits while there are others.
    if (free_.size() == 1 || free_.size() == slots_.size()) freed_.SignalAll();
  }

  const LoadPlan& plan_;
  LoadRecord& record_;
  const LoadClock::time_point begin_;
  std::vector<AsyncSlot> slots_;
  internal::Mutex mutex_;
  internal::CondVar freed_;
  std::deque<AsyncSlot*> free_ ABSL_GUARDED_BY(mutex_);
  bool scheduled_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t never_begun_ = 0;
  LoadClock::duration longest_due_{};
  std::thread scheduler_;
};

}  // namespace

void PrepareCall(const LoadPlan& plan, ClientContext* context) {
  context->set_timeout(plan.timeout);
  // The first call has shown that they may be sent.
  for (const auto& [key, value] : plan.metadata) static_cast<void>(context->AddMetadata(key, value).ok());
}

std::pair<absl::Status, uint64_t> MakeCall(const LoadPlan& plan, Channel& channel, ClientContext* context) {
  google::protobuf::Empty response;
  if (plan.method.kind == MethodKind::kUnary) {
    absl::Status status = channel.UnaryCall(plan.method, *context, plan.request, response);
    return {std::move(status), 1};
  }
  const std::unique_ptr<ClientStream> stream = channel.StreamingCall(plan.method, *context, &plan.request);
  uint64_t messages = 0;
  while (stream->Read(response)) ++messages;
  return {stream->Finish(), messages};
}

std::unique_ptr<Load> StartLoad(const LoadPlan& plan, LoadRecord* record) {
  if (plan.rate.has_value()) return std::make_unique<OpenLoad>(plan, record);
  const bool is_stream = plan.method.kind != MethodKind::kUnary;
  if (is_stream || plan.concurrency == 1) return std::make_unique<BlockingLoad>(plan, record);
  return std::make_unique<ClosedLoad>(plan, record);
}

}  // namespace udsrpc::tools

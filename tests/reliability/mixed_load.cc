#include "tests/reliability/mixed_load.h"

#include <cstdlib>
#include <utility>

#include "absl/status/statusor.h"
#include "udsrpc/spawn.h"
#include "udsrpc/when.h"

namespace udsrpc::testing {

MixedLoad::MixedLoad(const LoadOptions& options, Outages& outages, CallLog& log)
    : options_(options), outages_(outages), log_(log) {
  for (int i = 0; i < options_.channels; ++i) {
    absl::StatusOr<std::shared_ptr<Channel>> channel =
        CreateChannel(options_.target, {.transport = options_.transport, .max_receive_fds = kFilesPerMessage});
    if (!channel.ok()) std::abort();
    channels_.push_back(*std::move(channel));
  }
  for (int i = 0; i < options_.threads; ++i) Run(&MixedLoad::CallByThread);
  if (options_.callbacks > 0) Run(&MixedLoad::CallByCallbacks);
  if (options_.coroutines > 0) Run(&MixedLoad::CallByCoroutines);
  if (!options_.endless) return;
  for (const Caller caller : {&MixedLoad::AwaitAnswer, &MixedLoad::AwaitAnswers, &MixedLoad::AwaitRoom,
                              &MixedLoad::LeaveUnread, &MixedLoad::AwaitMessage}) {
    Run(caller);
  }
}

void MixedLoad::Run(Caller caller) {
  const size_t number = threads_.size();
  threads_.emplace_back([this, caller, number] {
    (this->*caller)(TestStub(channels_[number % channels_.size()]), options_.seed * 1000 + number);
  });
}

void MixedLoad::Stop() {
  stop_ = true;
  outages_.Stop();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

bool MixedLoad::GoOn(const absl::Status& last, uint64_t dice) {
  if (stop_) return false;
  if (last.code() != absl::StatusCode::kUnavailable || dice % 4 == 0) return true;
  return outages_.AwaitEnd() && !stop_;
}

void MixedLoad::CallByThread(TestStub stub, uint64_t seed) {
  MixedCaller caller(std::move(stub), options_.transport, seed);
  std::mt19937_64 random(~seed);
  absl::Status last;
  while (GoOn(last, random())) {
    const CallLog::Begun begun = log_.Begin();
    const CallOutcome outcome = caller.Call();
    log_.End(begun, outcome);
    last = outcome.status;
  }
}

void MixedLoad::CallByCallbacks(TestStub stub, uint64_t seed) {
  MixedCaller caller(std::move(stub), options_.transport, seed);
  internal::Mutex mutex;
  internal::CondVar changed;
  int open = 0;
  absl::Status last;
  while (GoOn(last, 1)) {
    mutex.Lock();
    last = absl::OkStatus();
    while (last.ok() && !stop_) {
      if (open >= options_.callbacks) {
        changed.Wait(mutex);
        continue;
      }
      ++open;
      mutex.Unlock();
      caller.CallBack([&, begun = log_.Begin()](const CallOutcome& outcome) {
        log_.End(begun, outcome);
        internal::MutexLock lock(mutex);
        --open;
        if (outcome.status.code() == absl::StatusCode::kUnavailable) last = outcome.status;
        changed.Signal();
      });
      mutex.Lock();
    }
    while (open > 0) changed.Wait(mutex);
    mutex.Unlock();
  }
}

Task<absl::Status> MixedLoad::CallInARow(MixedCaller& caller) {
  for (int i = 0; i < 20 && !stop_; ++i) {
    const CallLog::Begun begun = log_.Begin();
    const CallOutcome outcome = co_await caller.CallLater();
    log_.End(begun, outcome);
    if (outcome.status.code() == absl::StatusCode::kUnavailable) co_return outcome.status;
  }
  co_return absl::OkStatus();
}

void MixedLoad::CallByCoroutines(TestStub stub, uint64_t seed) {
  std::vector<std::unique_ptr<MixedCaller>> callers;
  for (int i = 0; i < options_.coroutines; ++i) {
    callers.push_back(std::make_unique<MixedCaller>(stub, options_.transport, seed * 100 + static_cast<uint64_t>(i)));
  }
  absl::Status last;
  while (GoOn(last, 1)) {
    std::vector<Task<absl::Status>> tasks;
    for (const auto& caller : callers) tasks.push_back(CallInARow(*caller));
    last = absl::OkStatus();
    for (absl::Status& status : SyncWait(WhenAll(std::move(tasks)))) last.Update(std::move(status));
  }
}

}  // namespace udsrpc::testing

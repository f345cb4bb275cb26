#ifndef UDSRPC_TESTS_RELIABILITY_OPEN_LOOP_H_
#define UDSRPC_TESTS_RELIABILITY_OPEN_LOOP_H_

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/proto/testing.udsrpc.pb.h"
#include "tests/support/event.h"
#include "udsrpc/client_context.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc::testing {

// Echo calls that are begun at a fixed rate, whether or not others have ended, as many clients that know nothing of
// each other begin them; or so many at a time, as few clients do that wait for their answers.
class OpenLoop {
 public:
  // The stubs in turns. Both must outlive it.
  OpenLoop(const std::vector<TestStub>& stubs, absl::Duration timeout) : stubs_(stubs), timeout_(timeout) {}
  ~OpenLoop() { AwaitEnds(); }

  // Blocks for `length`.
  void RunAt(double calls_a_second, absl::Duration length) {
    const absl::Time start = absl::Now();
    const auto calls = static_cast<size_t>(calls_a_second * absl::ToDoubleSeconds(length));
    for (size_t i = 0; i < calls; ++i) {
      const absl::Time due = start + absl::Seconds(static_cast<double>(i) / calls_a_second);
      if (const absl::Duration early = due - absl::Now(); early > absl::ZeroDuration()) absl::SleepFor(early);
      Begin();
    }
  }

  // Blocks likewise, with `outstanding` calls at a time.
  void RunClosed(int outstanding, absl::Duration length) {
    const absl::Time end = absl::Now() + length;
    while (absl::Now() < end) {
      Begin();
      internal::MutexLock lock(mutex_);
      while (outstanding_ >= outstanding && !changed_.WaitWithDeadline(mutex_, end)) continue;
    }
  }

  // Blocks until all have ended. False: some have not.
  bool AwaitEnds() {
    const absl::Time give_up = absl::Now() + timeout_ + kPatience;
    internal::MutexLock lock(mutex_);
    while (outstanding_ > 0) {
      if (changed_.WaitWithDeadline(mutex_, give_up)) return outstanding_ == 0;
    }
    return true;
  }

  size_t begun() const {
    internal::MutexLock lock(mutex_);
    return begun_;
  }
  size_t ended_with(absl::StatusCode code) const {
    internal::MutexLock lock(mutex_);
    const auto found = latencies_.find(code);
    return found == latencies_.end() ? 0 : found->second.size();
  }
  size_t ended() const {
    internal::MutexLock lock(mutex_);
    size_t sum = 0;
    for (const auto& [code, latencies] : latencies_) sum += latencies.size();
    return sum;
  }
  // Of the calls that ended so, that within which all but one in twenty did.
  absl::Duration UsualLatency(absl::StatusCode code) const {
    internal::MutexLock lock(mutex_);
    const auto found = latencies_.find(code);
    if (found == latencies_.end()) return absl::ZeroDuration();
    std::vector<absl::Duration> sorted = found->second;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() * 19 / 20];
  }

  // For people: "OK 12, DEADLINE_EXCEEDED 3".
  std::string ToString() const {
    internal::MutexLock lock(mutex_);
    std::string text;
    for (const auto& [code, latencies] : latencies_) {
      absl::StrAppend(&text, text.empty() ? "" : ", ", absl::StatusCodeToString(code), " ", latencies.size());
    }
    return text;
  }

 private:
  struct Call {
    ClientContext context;
    EchoRequest request;
    EchoReply reply;
    absl::Time begun = absl::Now();
  };

  void Begin() {
    auto call = std::make_unique<Call>();
    call->context.set_timeout(timeout_);
    const TestStub* stub;
    {
      internal::MutexLock lock(mutex_);
      stub = &stubs_[begun_++ % stubs_.size()];
      ++outstanding_;
    }
    Call& begun = *call;
    stub->Async().Echo(begun.context, begun.request, begun.reply,
                       [this, call = std::move(call)](const absl::Status& status) { OnEnd(*call, status); });
  }

  void OnEnd(const Call& call, const absl::Status& status) {
    internal::MutexLock lock(mutex_);
    latencies_[status.code()].push_back(absl::Now() - call.begun);
    --outstanding_;
    changed_.SignalAll();
  }

  const std::vector<TestStub>& stubs_;
  const absl::Duration timeout_;
  mutable internal::Mutex mutex_;
  internal::CondVar changed_;
  size_t begun_ ABSL_GUARDED_BY(mutex_) = 0;
  int outstanding_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<absl::StatusCode, std::vector<absl::Duration>> latencies_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_RELIABILITY_OPEN_LOOP_H_

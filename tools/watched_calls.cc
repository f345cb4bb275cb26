#include "tools/watched_calls.h"

#include <functional>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/flags/flag.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tools/flags.h"
#include "tools/introspection_client.h"
#include "tools/target.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc::tools {
namespace {

// Does something where it is not destroyed before `time`.
class Alarm {
 public:
  Alarm(absl::Time time, std::function<void()> on_time)
      : on_time_(std::move(on_time)), thread_([this, time] { Run(time); }) {}
  ~Alarm() {
    if (thread_.joinable()) Stop();
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  // Whether it was too late.
  bool Stop() ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      const internal::MutexLock lock(mutex_);
      stopped_ = true;
      changed_.SignalAll();
    }
    thread_.join();
    return rang_;
  }

 private:
  void Run(absl::Time time) ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      const internal::MutexLock lock(mutex_);
      for (absl::Duration left; !stopped_ && (left = time - absl::Now()) > absl::ZeroDuration();) {
        if (left == absl::InfiniteDuration()) {
          changed_.Wait(mutex_);
        } else {
          changed_.WaitWithTimeout(mutex_, left);
        }
      }
      if (stopped_) return;
    }
    rang_ = true;
    on_time_();
  }

  const std::function<void()> on_time_;
  internal::Mutex mutex_;
  internal::CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  bool rang_ = false;  // the thread's, until it has ended
  std::thread thread_;
};

}  // namespace

void WatchMethods(const std::vector<std::string>& prefixes, v1::WatchCallsRequest* request) {
  for (const std::string& prefix : prefixes) {
    request->add_methods(absl::StrCat(absl::StartsWith(prefix, "/") ? "" : "/", prefix));
  }
}

WatchedCalls::WatchedCalls(std::string target, std::shared_ptr<Channel> channel)
    : target_(std::move(target)), channel_(std::move(channel)) {}

Outcome WatchedCalls::Begin(const v1::WatchCallsRequest& request) {
  if (Outcome prepared = PrepareContext(&context_); prepared.code != ExitCode::kOk) return prepared;
  context_.set_deadline(absl::InfiniteFuture());  // of the call; the server has to begin in time
  interruption_.emplace([this] { Cancel(); });
  stream_.emplace(v1::IntrospectionStub(channel_).WatchCalls(context_, request));
  Alarm alarm(absl::Now() + absl::GetFlag(FLAGS_timeout), [this] { Cancel(); });
  stream_->WaitForInitialMetadata();
  if (alarm.Stop()) {
    return CallOutcome(target_, absl::DeadlineExceededError(absl::StrCat("no answer from ", channel_->target())));
  }
  if (interruption_->interrupted()) return Outcome::Unreachable("interrupted before the server answered");
  return Outcome::Ok();
}

void WatchedCalls::Cancel() {
  cancelled_ = true;
  context_.Cancel();
}

Outcome WatchedCalls::End(bool* server_ended) {
  const absl::Status status = stream_->Finish();
  *server_ended = status.ok();
  if (status.ok() || (absl::IsCancelled(status) && cancelled_)) return Outcome::Ok();
  return IntrospectionOutcome(target_, status);
}

}  // namespace udsrpc::tools

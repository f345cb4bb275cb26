#ifndef UDSRPC_TESTS_INTEGRATION_TAKEOVER_LOAD_H_
#define UDSRPC_TESTS_INTEGRATION_TAKEOVER_LOAD_H_

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/support/event.h"
#include "tests/support/test_service.h"
#include "udsrpc/channel.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc::testing {

// Clients that call without a pause, in every way, until this is destroyed or stopped.
class TakeoverLoad {
 public:
  TakeoverLoad(const std::string& target, Transport transport) : target_(target), transport_(transport) {
    const auto shared = MakeChannel();
    Run("unary", shared, [](const TestStub& stub, ClientContext& context) { return Echo(stub, context); });
    Run("another's unary", shared, [](const TestStub& stub, ClientContext& context) { return Echo(stub, context); });
    Run("chat", shared, Chat);
    Run("count", MakeChannel(), Count);
    Run("collect", MakeChannel(), Collect);
    Run("async", MakeChannel(), AsyncEcho);
  }
  ~TakeoverLoad() { Stop(); }

  // Waits until as many calls more of each kind have ended. False: they have not for kPatience.
  bool AwaitEach(int more) {
    const absl::Time give_up = absl::Now() + kPatience;
    internal::MutexLock lock(mutex_);
    const std::map<std::string, int> before = calls_;
    while (std::any_of(calls_.begin(), calls_.end(), [&](const auto& kind_and_calls) {
      return kind_and_calls.second < before.at(kind_and_calls.first) + more;
    })) {
      if (changed_.WaitWithDeadline(mutex_, give_up)) return false;
    }
    return true;
  }

  void Stop() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  // "kind: status" and how often, of the calls that failed.
  std::map<std::string, int> failures() const {
    internal::MutexLock lock(mutex_);
    return failures_;
  }
  int calls() const {
    internal::MutexLock lock(mutex_);
    int sum = 0;
    for (const auto& [kind, calls] : calls_) sum += calls;
    return sum;
  }

 private:
  using Call = std::function<absl::Status(const TestStub&, ClientContext&)>;

  std::shared_ptr<Channel> MakeChannel() const { return *CreateChannel(target_, {.transport = transport_}); }

  void Run(const std::string& kind, const std::shared_ptr<Channel>& channel, Call call) {
    {
      internal::MutexLock lock(mutex_);
      calls_[kind] = 0;
    }
    threads_.emplace_back([this, kind, channel, call = std::move(call)] {
      const TestStub stub(channel);
      while (!stop_) {
        ClientContext context;
        context.set_timeout(absl::Seconds(20));
        const absl::Status status = call(stub, context);
        internal::MutexLock lock(mutex_);
        ++calls_[kind];
        changed_.SignalAll();
        if (status.ok()) continue;
        ++failures_[absl::StrCat(TransportName(transport_), " ", kind, ": ", status.ToString())];
      }
    });
  }

  static absl::Status Echo(const TestStub& stub, ClientContext& context) {
    EchoRequest request;
    EchoReply reply;
    request.set_text("load");
    absl::Status status = stub.Echo(context, request, reply);
    return status.ok() && reply.text() != "load" ? absl::DataLossError(reply.text()) : status;
  }

  static absl::Status Chat(const TestStub& stub, ClientContext& context) {
    auto stream = stub.Chat(context);
    EchoRequest request;
    EchoReply reply;
    int answers = 0;
    for (int i = 0; i < 5; ++i) {
      request.set_text(absl::StrCat(i));
      if (stream.Write(request) && stream.Read(reply)) ++answers;
    }
    stream.WritesDone();
    absl::Status status = stream.Finish();
    return status.ok() && answers != 5 ? absl::DataLossError(absl::StrCat(answers, " answers")) : status;
  }

  static absl::Status Count(const TestStub& stub, ClientContext& context) {
    InflateRequest request;
    request.set_bytes(1000);
    request.set_messages(10);
    auto stream = stub.Count(context, request);
    EchoReply reply;
    int messages = 0;
    while (stream.Read(reply)) ++messages;
    absl::Status status = stream.Finish();
    return status.ok() && messages != 10 ? absl::DataLossError(absl::StrCat(messages, " messages")) : status;
  }

  static absl::Status Collect(const TestStub& stub, ClientContext& context) {
    CollectReply reply;
    auto stream = stub.Collect(context, reply);
    EchoRequest request;
    request.set_text(std::string(1000, 'x'));
    for (int i = 0; i < 10; ++i) stream.Write(request);
    stream.WritesDone();
    absl::Status status = stream.Finish();
    return status.ok() && reply.messages() != 10 ? absl::DataLossError(absl::StrCat(reply.messages())) : status;
  }

  static absl::Status AsyncEcho(const TestStub& stub, ClientContext& context) {
    EchoRequest request;
    EchoReply reply;
    request.set_text("load");
    Event ended;
    absl::Status status;
    stub.Async().Echo(context, request, reply, [&](absl::Status result) {
      status = std::move(result);
      ended.Happen();
    });
    return ended.Await() ? status : absl::DeadlineExceededError("the completion never ran");
  }

  const std::string target_;
  const Transport transport_;
  std::atomic<bool> stop_{false};
  mutable internal::Mutex mutex_;
  internal::CondVar changed_;
  std::map<std::string, int> calls_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int> failures_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_INTEGRATION_TAKEOVER_LOAD_H_

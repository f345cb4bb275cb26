// Calls that coroutines await: streams, cancellation, several at a time, and executors.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/integration/async_call.h"
#include "tests/integration/combinations.h"
#include "tests/support/event.h"
#include "udsrpc/async_client.h"
#include "udsrpc/spawn.h"
#include "udsrpc/task.h"
#include "udsrpc/when.h"

namespace udsrpc::testing {
namespace {

using CoroutineClientTest = CombinationTest;

TEST_P(CoroutineClientTest, ACoroutineReadsAStream) {
  StartServer();
  const TestStub stub(MakeChannel());
  EXPECT_EQ(SyncWait(CountMessages(stub, 0, 0)), 0);
  EXPECT_EQ(SyncWait(CountMessages(stub, 1000, 100)), 1000);
  EXPECT_EQ(SyncWait(CountMessages(stub, 5, 1 << 20)), 5);
}

Task<CollectReply> Collect(const TestStub& stub, int messages, int bytes) {
  ClientContext context;
  context.set_timeout(kPatience);
  AsyncClientWriter<EchoRequest, CollectReply> writer = stub.Async().Collect(context);
  EchoRequest request;
  request.set_text(std::string(bytes, 'w'));
  for (int i = 0; i < messages; ++i) EXPECT_TRUE(co_await writer.Write(request));
  const absl::StatusOr<CollectReply> reply = co_await writer.Finish();
  EXPECT_TRUE(reply.ok()) << reply.status();
  co_return reply.ok() ? *reply : CollectReply();
}

TEST_P(CoroutineClientTest, ACoroutineWritesAStream) {
  StartServer();
  const TestStub stub(MakeChannel());
  for (const auto& [messages, bytes] : {std::pair(0, 0), std::pair(2000, 100), std::pair(10, 1 << 20)}) {
    const CollectReply reply = SyncWait(Collect(stub, messages, bytes));
    EXPECT_EQ(reply.messages(), static_cast<uint64_t>(messages));
    EXPECT_EQ(reply.bytes(), static_cast<uint64_t>(messages) * static_cast<uint64_t>(bytes));
  }
}

Task<> TalkOnce(const TestStub& stub, Event& talked) {
  ClientContext context;
  context.set_timeout(kPatience);
  auto chat = stub.Async().Chat(context);
  EchoRequest request;
  for (int i = 0; i < 3; ++i) {
    request.set_text(absl::StrCat(i));
    EXPECT_TRUE(co_await chat.Write(request));
    const std::optional<EchoReply> reply = co_await chat.Read();
    EXPECT_TRUE(reply.has_value() && reply->text() == request.text());
  }
  EXPECT_TRUE(co_await chat.WritesDone());
  EXPECT_FALSE((co_await chat.Read()).has_value());
  const absl::Status status = co_await chat.Finish();
  EXPECT_TRUE(status.ok()) << status;
  talked.Happen();
}

TEST_P(CoroutineClientTest, ManyCoroutinesTalkAtATime) {
  StartServer();
  const TestStub stub(MakeChannel());
  constexpr int kChats = 200;
  Event talked;
  for (int i = 0; i < kChats; ++i) Spawn(TalkOnce(stub, talked), [] {});
  EXPECT_TRUE(talked.Await(kChats));
}

TEST_P(CoroutineClientTest, ACoroutinesCancellationReachesTheHandler) {
  StartServer();
  const TestStub stub(MakeChannel());
  const BlockRequest at_gate = AtGate("gate");
  Cancellation cancellation;
  ClientContext context;
  context.set_timeout(kPatience);
  Event ended;
  Spawn(
      UnaryCall<EchoReply>::AsTask(stub.Async().Block(context, at_gate)),
      [&ended](absl::StatusOr<EchoReply> reply) {
        EXPECT_EQ(reply.status().code(), absl::StatusCode::kCancelled);
        ended.Happen();
      },
      &cancellation);
  EXPECT_TRUE(service_.AwaitArrivals("gate", 1));
  cancellation.Cancel();
  EXPECT_TRUE(ended.Await());
  EXPECT_TRUE(service_.AwaitCancelled("gate", 1));
}

Task<> AskThree(const TestStub& stub, Event& answered) {
  const std::vector<std::string> gates = {"a", "b", "c"};
  std::vector<ClientContext> contexts(gates.size());
  std::vector<BlockRequest> requests;
  for (const std::string& gate : gates) requests.push_back(AtGate(gate));
  std::vector<Task<absl::StatusOr<EchoReply>>> calls;
  for (size_t i = 0; i < gates.size(); ++i) {
    contexts[i].set_timeout(kPatience);
    calls.push_back(stub.Async().Block(contexts[i], requests[i]));
  }
  const Finished<absl::StatusOr<EchoReply>> first = co_await WhenAny(std::move(calls));
  EXPECT_EQ(first.index, 1U);
  EXPECT_TRUE(first.value.ok()) << first.value.status();
  answered.Happen();
}

TEST_P(CoroutineClientTest, OfSeveralCallsTheFirstIsTakenAndTheOthersAreCancelled) {
  StartServer();
  const TestStub stub(MakeChannel());
  Event answered;
  Spawn(AskThree(stub, answered));
  for (const char* gate : {"a", "b", "c"}) EXPECT_TRUE(service_.AwaitArrivals(gate, 1));
  service_.Open("b");
  EXPECT_TRUE(answered.Await());
  EXPECT_TRUE(service_.AwaitCancelled("a", 1));
  EXPECT_TRUE(service_.AwaitCancelled("c", 1));
}

Task<int> AskAll(const TestStub& stub, int calls) {
  std::vector<ClientContext> contexts(calls);
  std::vector<EchoRequest> requests(calls);
  std::vector<Task<absl::StatusOr<EchoReply>>> asked;
  for (int i = 0; i < calls; ++i) {
    contexts[i].set_timeout(kPatience);
    requests[i].set_text(absl::StrCat(i));
    asked.push_back(stub.Async().Echo(contexts[i], requests[i]));
  }
  int right = 0;
  const std::vector<absl::StatusOr<EchoReply>> replies = co_await WhenAll(std::move(asked));
  for (int i = 0; i < calls; ++i) right += replies[i].ok() && replies[i]->text() == absl::StrCat(i) ? 1 : 0;
  co_return right;
}

TEST_P(CoroutineClientTest, OfSeveralCallsAllAreAwaited) {
  StartServer();
  EXPECT_EQ(SyncWait(AskAll(TestStub(MakeChannel()), 500)), 500);
}
// Runs tasks one after the other on a thread of its own.
class Loop {
 public:
  Loop() : thread_([this] { Run(); }) {}
  ~Loop() {
    {
      internal::MutexLock lock(mutex_);
      ending_ = true;
      changed_.Signal();
    }
    thread_.join();
  }

  void Add(absl::AnyInvocable<void() &&> task) {
    internal::MutexLock lock(mutex_);
    tasks_.push_back(std::move(task));
    changed_.Signal();
  }
  std::thread::id id() const { return thread_.get_id(); }

 private:
  void Run() {
    internal::MutexLock lock(mutex_);
    for (;;) {
      while (tasks_.empty() && !ending_) changed_.Wait(mutex_);
      if (tasks_.empty()) return;
      std::vector<absl::AnyInvocable<void()&&>> tasks = std::move(tasks_);
      tasks_.clear();
      mutex_.Unlock();
      for (auto& task : tasks) std::move(task)();
      tasks.clear();
      mutex_.Lock();
    }
  }

  internal::Mutex mutex_;
  internal::CondVar changed_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<absl::AnyInvocable<void() &&>> tasks_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

TEST_P(CoroutineClientTest, AnExecutorRunsTheCompletionsAndWhatAwaits) {
  StartServer();
  Loop loop;
  const TestStub stub(MakeChannel({.executor = [&loop](auto task) { loop.Add(std::move(task)); }}));
  Call call("on the loop");
  stub.Async().Echo(call.context, call.request, call.reply, call.Done());
  EXPECT_EQ(call.Await(), absl::StatusCode::kOk);
  EXPECT_EQ(call.thread, loop.id());
  EXPECT_EQ(SyncWait(CountMessages(stub, 100, 10)), 100);
  Event talked;
  Spawn(TalkOnce(stub, talked), [] {});
  EXPECT_TRUE(talked.Await());
}

INSTANTIATE_TEST_SUITE_P(All, CoroutineClientTest, AllCombinations(), CombinationName);

}  // namespace
}  // namespace udsrpc::testing

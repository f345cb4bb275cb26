// Calls that no thread waits for: completions, and objects destroyed before those.

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/integration/async_call.h"
#include "tests/integration/combinations.h"
#include "tests/support/event.h"
#include "tests/support/thread_sanitizer.h"
#include "udsrpc/async_client.h"
#include "udsrpc/spawn.h"

namespace udsrpc::testing {
namespace {

class AsyncTest : public CombinationTest {
 protected:
  static constexpr MethodDescriptor kBlock{"/udsrpc.testing.Test/Block", MethodKind::kUnary};
};

TEST_P(AsyncTest, ACompletionGetsTheReplyOnAThreadOfTheChannels) {
  StartServer();
  const TestStub stub(MakeChannel());
  Call first("one");
  Call second("two");
  stub.Async().Echo(first.context, first.request, first.reply, first.Done());
  stub.Async().Echo(second.context, second.request, second.reply, second.Done());
  EXPECT_EQ(first.Await(), absl::StatusCode::kOk);
  EXPECT_EQ(second.Await(), absl::StatusCode::kOk);
  EXPECT_EQ(first.reply.text(), "one");
  EXPECT_EQ(second.reply.text(), "two");
  EXPECT_NE(first.thread, std::this_thread::get_id());
}

TEST_P(AsyncTest, TenThousandCallsAreOutstandingOnOneChannel) {
  StartServer();
  const TestStub stub(MakeChannel());
  constexpr int kCalls = 10000;
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < kCalls; ++i) {
    calls.push_back(std::make_unique<Call>(absl::StrCat(i)));
    Call& call = *calls.back();
    stub.Async().Echo(call.context, call.request, call.reply, call.Done());
  }
  for (const std::unique_ptr<Call>& call : calls) {
    ASSERT_EQ(call->Await(), absl::StatusCode::kOk);
    ASSERT_EQ(call->reply.text(), call->request.text());
  }
}

TEST_P(AsyncTest, ACompletionMayMakeTheNextCallAndABlockingOneToo) {
  StartServer();
  const TestStub stub(MakeChannel());
  Call first("first");
  Call second("second");
  stub.Async().Echo(first.context, first.request, first.reply, [&](absl::Status status) {
    EXPECT_TRUE(status.ok()) << status;
    ExpectEcho(stub, "blocking, within a completion");
    stub.Async().Echo(second.context, second.request, second.reply, second.Done());
  });
  EXPECT_EQ(second.Await(), absl::StatusCode::kOk);
}

TEST_P(AsyncTest, BlockingCallsGoOnBesideOutstandingOnes) {
  StartServer();
  const TestStub stub(MakeChannel());
  Call blocked;
  const BlockRequest at_gate = AtGate("gate");
  stub.Async().Block(blocked.context, at_gate, blocked.reply, blocked.Done());
  EXPECT_TRUE(service_.AwaitArrivals("gate", 1));
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int n = 0; n < 100; ++n) ExpectEcho(stub, absl::StrCat(n));
    });
  }
  for (std::thread& caller : callers) caller.join();
  service_.Open("gate");
  EXPECT_EQ(blocked.Await(), absl::StatusCode::kOk);
}

TEST_P(AsyncTest, EndsAtItsDeadlineAndWithCancel) {
  StartServer();
  const TestStub stub(MakeChannel());
  const BlockRequest at_gate = AtGate("gate");
  Call late;
  late.context.set_timeout(absl::Milliseconds(500));  // in which the handler begins, on a busy machine too
  stub.Async().Block(late.context, at_gate, late.reply, late.Done());
  EXPECT_EQ(late.Await(), absl::StatusCode::kDeadlineExceeded);
  Call cancelled;
  stub.Async().Block(cancelled.context, at_gate, cancelled.reply, cancelled.Done());
  EXPECT_TRUE(service_.AwaitArrivals("gate", 2));
  cancelled.context.Cancel();
  EXPECT_EQ(cancelled.Await(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(service_.AwaitCancelled("gate", 2));
}

TEST_P(AsyncTest, FailsWithACompletionToo) {
  const TestStub stub(MakeChannel());
  Call nobody_listens;
  stub.Async().Echo(nobody_listens.context, nobody_listens.request, nobody_listens.reply, nobody_listens.Done());
  EXPECT_EQ(nobody_listens.Await(), absl::StatusCode::kUnavailable);
  EXPECT_NE(nobody_listens.thread, std::this_thread::get_id());

  Event again;
  stub.Async().Echo(nobody_listens.context, nobody_listens.request, nobody_listens.reply, [&](absl::Status status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    again.Happen();
  });
  EXPECT_TRUE(again.Await());

  Call too_late;
  too_late.context.set_timeout(absl::ZeroDuration());
  stub.Async().Echo(too_late.context, too_late.request, too_late.reply, too_late.Done());
  EXPECT_EQ(too_late.Await(), absl::StatusCode::kDeadlineExceeded);
}

TEST_P(AsyncTest, WaitsForReady) {
  const TestStub stub(MakeChannel());
  Call served;
  Call cancelled;
  Call late;
  for (Call* call : {&served, &cancelled, &late}) call->context.set_wait_for_ready(true);
  late.context.set_timeout(absl::Milliseconds(30));
  for (Call* call : {&served, &cancelled, &late}) {
    stub.Async().Echo(call->context, call->request, call->reply, call->Done());
  }
  EXPECT_EQ(late.Await(), absl::StatusCode::kDeadlineExceeded);
  cancelled.context.Cancel();
  EXPECT_EQ(cancelled.Await(), absl::StatusCode::kCancelled);
  StartServer();
  EXPECT_EQ(served.Await(), absl::StatusCode::kOk);
}

TEST_P(AsyncTest, EveryCallEndsOnceWhenItsServerShutsDown) {
  StartServer();
  const TestStub stub(MakeChannel());
  const BlockRequest at_gate = AtGate("gate");
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 20; ++i) {
    calls.push_back(std::make_unique<Call>());
    stub.Async().Block(calls.back()->context, at_gate, calls.back()->reply, calls.back()->Done());
  }
  EXPECT_TRUE(service_.AwaitArrivals("gate", 20));
  server_->Shutdown(absl::Now());
  for (const std::unique_ptr<Call>& call : calls) {
    EXPECT_NE(call->Await(), absl::StatusCode::kOk);
    EXPECT_EQ(call->done.times(), 1);
  }
}

TEST_P(AsyncTest, LongMessagesTravelBothWays) {
  StartServer({.max_receive_message_bytes = 64 << 20});
  const TestStub stub(MakeChannel({.max_receive_message_bytes = 64 << 20}));
  std::vector<std::unique_ptr<Call>> calls;
  for (const size_t bytes : {size_t{70000}, size_t{1} << 20, size_t{20} << 20}) {
    calls.push_back(std::make_unique<Call>(std::string(bytes, 'l')));
    Call& call = *calls.back();
    stub.Async().Echo(call.context, call.request, call.reply, call.Done());
  }
  for (const std::unique_ptr<Call>& call : calls) {
    EXPECT_EQ(call->Await(), absl::StatusCode::kOk);
    EXPECT_TRUE(call->reply.text() == call->request.text());
  }
}

// What a thread that waits for a call of its own reads for all may be the rest of a reply, and its end, between two
// looks at that reply.
TEST_P(AsyncTest, LongRepliesAreWholeWhereOtherThreadsReadTheConnection) {
  if (GetParam().abstract) GTEST_SKIP() << "the address says nothing here";
  StartServer();
  const TestStub stub(MakeChannel());
  const int rounds = GetParam().transport == Transport::kGrpc ? 50 : kThreadSanitizer ? 200 : 1000;
  constexpr int kAtATime = 4;
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!done) ExpectEcho(stub, "beside it");
    });
  }
  int short_replies = 0;
  for (int i = 0; i < rounds; ++i) {
    std::vector<std::unique_ptr<Call>> calls;
    for (int n = 0; n < kAtATime; ++n) {
      calls.push_back(std::make_unique<Call>(std::string(70'000, 'l')));
      Call& call = *calls.back();
      stub.Async().Echo(call.context, call.request, call.reply, call.Done());
    }
    for (const std::unique_ptr<Call>& call : calls) {
      EXPECT_EQ(call->Await(), absl::StatusCode::kOk);
      if (call->reply.text() != call->request.text()) ++short_replies;
    }
  }
  EXPECT_EQ(short_replies, 0);
  done = true;
  for (std::thread& reader : readers) reader.join();
}

TEST_P(AsyncTest, TheChannelMayBeLetGoOfDuringItsCallsAndByThem) {
  StartServer();
  Call call;
  const BlockRequest at_gate = AtGate("gate");
  {
    const TestStub stub(MakeChannel());
    stub.Async().Block(call.context, at_gate, call.reply, call.Done());
  }
  EXPECT_TRUE(service_.AwaitArrivals("gate", 1));
  service_.Open("gate");
  EXPECT_EQ(call.Await(), absl::StatusCode::kOk);
  {
    auto stub = std::make_unique<TestStub>(MakeChannel());
    Event done;
    Call last;
    const TestStub::AsyncStub async = stub->Async();
    async.Echo(last.context, last.request, last.reply, [&done, stub = std::move(stub)](absl::Status status) mutable {
      EXPECT_TRUE(status.ok()) << status;
      stub.reset();
      done.Happen();
    });
    EXPECT_TRUE(done.Await());
  }
}

TEST_P(AsyncTest, ACallThatIsDestroyedIsCancelledAndForgotten) {
  StartServer();
  const std::shared_ptr<Channel> channel = MakeChannel();
  const BlockRequest at_gate = AtGate("gate");
  std::atomic<int> completions{0};
  for (int i = 0; i < 20; ++i) {
    auto context = std::make_unique<ClientContext>();
    auto reply = std::make_unique<EchoReply>();
    std::unique_ptr<AsyncUnaryCall> call = channel->PrepareUnaryCall(kBlock, *context, at_gate, *reply);
    call->Start([&completions](absl::Status) { ++completions; });
    EXPECT_TRUE(service_.AwaitArrivals("gate", i + 1));
    call.reset();
  }
  EXPECT_TRUE(service_.AwaitCancelled("gate", 20));
  ExpectEcho(TestStub(channel), "the channel goes on");
  EXPECT_EQ(completions, 0);
}

TEST_P(AsyncTest, ACallThatIsDestroyedAsItEndsIsForgotten) {
  StartServer();
  const std::shared_ptr<Channel> channel = MakeChannel();
  constexpr MethodDescriptor kEcho{"/udsrpc.testing.Test/Echo", MethodKind::kUnary};
  for (int i = 0; i < (kThreadSanitizer ? 100 : 300); ++i) {
    auto context = std::make_unique<ClientContext>();
    auto request = std::make_unique<EchoRequest>();
    auto reply = std::make_unique<EchoReply>();
    // Never run by the one and destroyed by the other thread at a time: the object is not destroyed where it runs.
    std::unique_ptr<AsyncUnaryCall> call = channel->PrepareUnaryCall(kEcho, *context, *request, *reply);
    const auto gone = std::make_shared<std::atomic<bool>>(false);
    call->Start([gone](absl::Status) { EXPECT_FALSE(*gone); });
    for (int n = i % 50; n > 0; --n) std::this_thread::yield();
    call.reset();
    *gone = true;
  }
  ExpectEcho(TestStub(channel), "the channel goes on");
}

TEST_P(AsyncTest, AStreamThatIsDestroyedDuringAReadIsCancelled) {
  StartServer();
  const TestStub stub(MakeChannel());
  std::atomic<int> completions{0};
  for (int i = 0; i < 20; ++i) {
    ClientContext context;
    std::unique_ptr<AsyncClientStream> stream =
        MakeChannel()->StartStreamingCall({"/udsrpc.testing.Test/Hold", MethodKind::kBidiStreaming}, context, nullptr);
    EchoReply held;
    EchoReply never;
    Event read;
    const std::optional<bool> at_once = stream->Read(held, [&read](bool) { read.Happen(); });
    EXPECT_TRUE(at_once.has_value() || read.Await());
    EXPECT_EQ(held.text(), "held");
    EXPECT_FALSE(stream->Read(never, [&completions](bool) { ++completions; }).has_value());
    stream.reset();
  }
  EXPECT_TRUE(service_.AwaitCancelled("gate", 20));
  EXPECT_EQ(completions, 0);
}

class Recorder final : public ClientInterceptor {
 public:
  explicit Recorder(std::atomic<int>& events) : events_(events) {}
  absl::Status OnStart(ClientContext& context, Metadata&) override {
    for (const auto& [key, value] : context.metadata()) {
      if (key == "refuse") return absl::PermissionDeniedError("by the interceptor");
    }
    return absl::OkStatus();
  }
  void OnSend(const google::protobuf::MessageLite&) override { events_ += 1; }
  void OnReceive(const google::protobuf::MessageLite&) override { events_ += 100; }
  void OnFinish(const ClientContext&, const absl::Status&) override { events_ += 10000; }

 private:
  std::atomic<int>& events_;
};

TEST_P(AsyncTest, InterceptorsSeeIt) {
  StartServer();
  std::atomic<int> events{0};
  const TestStub stub(MakeChannel(
      {.interceptors = {[&events](const MethodDescriptor&) { return std::make_unique<Recorder>(events); }}}));
  Call call;
  stub.Async().Echo(call.context, call.request, call.reply, call.Done());
  EXPECT_EQ(call.Await(), absl::StatusCode::kOk);
  EXPECT_EQ(events.exchange(0), 10101);
  EXPECT_EQ(SyncWait(CountMessages(stub, 3, 10)), 3);
  EXPECT_EQ(events.exchange(0), 10301);
  Call refused;
  EXPECT_TRUE(refused.context.AddMetadata("refuse", "me").ok());
  stub.Async().Echo(refused.context, refused.request, refused.reply, refused.Done());
  EXPECT_EQ(refused.Await(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(events.exchange(0), 10000);
}

TEST_P(AsyncTest, MistakesThatHaveNoStatusEndTheProgramWithAMessage) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        StartServer();
        const TestStub stub(MakeChannel());
        auto context = std::make_unique<ClientContext>();
        EchoReply reply;
        stub.Async().Block(*context, AtGate("gate"), reply, [](absl::Status) {});
        context.reset();
      },
      "destroyed during its call");
  EXPECT_DEATH(
      {
        ClientContext context;
        context.set_wait_for_ready(true);
        const auto stream = MakeChannel()->StartStreamingCall({"/udsrpc.testing.Test/Hold", MethodKind::kBidiStreaming},
                                                              context, nullptr);
        EchoReply reply;
        stream->Read(reply, [](bool) {});
        stream->Read(reply, [](bool) {});
      },
      "read was started during another");
}

INSTANTIATE_TEST_SUITE_P(All, AsyncTest, AllCombinations(), CombinationName);

}  // namespace
}  // namespace udsrpc::testing

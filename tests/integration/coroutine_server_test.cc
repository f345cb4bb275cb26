// Handlers that are coroutines, over real sockets.

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/integration/combinations.h"
#include "tests/support/coroutine_service.h"
#include "tests/support/event.h"
#include "tests/support/thread_sanitizer.h"
#include "udsrpc/async_client.h"
#include "udsrpc/server_interceptor.h"
#include "udsrpc/spawn.h"
#include "udsrpc/task.h"

namespace udsrpc::testing {
namespace {

class CoroutineServerTest : public CombinationTest {
 protected:
  void TearDown() override {
    server_.reset();
    EXPECT_EQ(coroutines_.alive, 0);
    CombinationTest::TearDown();
  }

  void StartServer(const ServerOptions& options = {}) {
    ServerBuilder builder(options);
    builder.AddEndpoint(target_, AllTransports()).RegisterService(&coroutines_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  // What Block at that gate ends with.
  static absl::StatusCode Block(const TestStub& stub, const std::string& gate, absl::Duration timeout = kPatience) {
    ClientContext context;
    context.set_timeout(timeout);
    BlockRequest request;
    request.set_gate(gate);
    EchoReply reply;
    return stub.Block(context, request, reply).code();
  }

  // Waits until the handlers that were cancelled are gone: their clients need not wait for that.
  bool AllEnd() {
    while (coroutines_.alive > 0) {
      if (!coroutines_.ends.Await(coroutines_.arrivals.times())) return false;
    }
    return true;
  }

  CoroutineService coroutines_;
};

TEST_P(CoroutineServerTest, LivesBesideAMethodThatIsNone) {
  StartServer();
  const TestStub stub(MakeChannel());
  ExpectEcho(stub, "no coroutine");
  ClientContext context;
  FailRequest request;
  request.set_code(static_cast<int>(absl::StatusCode::kNotFound));
  request.set_message("none");
  EchoReply reply;
  EXPECT_EQ(stub.Fail(context, request, reply), absl::NotFoundError("none"));
  ClientContext look_context;
  LookReply look;
  EXPECT_EQ(stub.Look(look_context, LookRequest(), look).code(), absl::StatusCode::kUnimplemented);
  ClientContext throw_context;
  EXPECT_EQ(stub.Throw(throw_context, EchoRequest(), reply).code(), absl::StatusCode::kUnknown);
}

TEST_P(CoroutineServerTest, CarriesLongMessagesBothWays) {
  StartServer({.max_receive_message_bytes = 8 << 20});
  const TestStub stub(MakeChannel({.max_receive_message_bytes = 8 << 20}));
  constexpr size_t kBytes = 5 << 20;
  {
    ClientContext context;
    context.set_timeout(kPatience);
    InflateRequest request;
    request.set_bytes(kBytes);
    EchoReply reply;
    ASSERT_TRUE(stub.Inflate(context, request, reply).ok());
    EXPECT_EQ(reply.text().size(), kBytes);
  }
  ClientContext context;
  context.set_timeout(kPatience);
  auto stream = stub.Chat(context);
  EchoRequest request;
  request.set_text(std::string(kBytes, 'y'));
  EchoReply reply;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(stream.Write(request));
    ASSERT_TRUE(stream.Read(reply));
    EXPECT_EQ(reply.text().size(), kBytes);
  }
  EXPECT_TRUE(stream.WritesDone());
  EXPECT_TRUE(stream.Finish().ok());
}

TEST_P(CoroutineServerTest, CollectsAStreamAndWritesOne) {
  StartServer();
  const TestStub stub(MakeChannel());
  ClientContext context;
  CollectReply collected;
  auto writer = stub.Collect(context, collected);
  EchoRequest request;
  request.set_text(std::string(1000, 'z'));
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(writer.Write(request));
  ASSERT_TRUE(writer.Finish().ok());
  EXPECT_EQ(collected.messages(), 500);
  EXPECT_EQ(collected.bytes(), 500000);

  ClientContext count_context;
  InflateRequest count;
  count.set_bytes(1000);
  count.set_messages(500);
  auto reader = stub.Count(count_context, count);
  EchoReply reply;
  int messages = 0;
  while (reader.Read(reply)) ++messages;
  EXPECT_TRUE(reader.Finish().ok());
  EXPECT_EQ(messages, 500);
}

TEST_P(CoroutineServerTest, OneThatNobodyReadsHoldsUpOnlyItself) {
  StartServer();
  const TestStub stub(MakeChannel());
  ClientContext context;
  InflateRequest count;
  count.set_bytes(1000);
  count.set_messages(100000);
  auto unread = stub.Count(context, count);
  EchoReply reply;
  ASSERT_TRUE(unread.Read(reply));
  for (int i = 0; i < 1000; ++i) ExpectEcho(stub, absl::StrCat(i));
  EXPECT_EQ(coroutines_.alive, 1);
  context.Cancel();
  EXPECT_EQ(unread.Finish().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(AllEnd());
}

TEST_P(CoroutineServerTest, EndsWithItsDeadlineWhateverItAwaits) {
  coroutines_.nested.emplace(MakeChannel());
  StartServer();
  const TestStub stub(MakeChannel());
  for (const char* gate : {"cancelled", "asleep", "nested cancelled", "nested asleep"}) {
    EXPECT_EQ(Block(stub, gate, absl::Milliseconds(50)), absl::StatusCode::kDeadlineExceeded) << gate;
  }
  ClientContext context;
  context.set_timeout(absl::Milliseconds(50));
  auto stream = stub.Chat(context);
  EchoReply reply;
  EXPECT_FALSE(stream.Read(reply));
  EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(AllEnd());
}

TEST_P(CoroutineServerTest, EndsWithItsClientsCancellationThroughANestedCall) {
  coroutines_.nested.emplace(MakeChannel());
  StartServer();
  const TestStub stub(MakeChannel());
  ClientContext context;
  BlockRequest request;
  request.set_gate("nested cancelled");
  std::thread caller([&] {
    EchoReply reply;
    EXPECT_EQ(stub.Block(context, request, reply).code(), absl::StatusCode::kCancelled);
  });
  EXPECT_TRUE(coroutines_.arrivals.Await(2));
  context.Cancel();
  caller.join();
  EXPECT_TRUE(AllEnd());
}

TEST_P(CoroutineServerTest, EndsWithItsClientsConnection) {
  StartServer();
  {
    ClientContext context;
    const auto stream = TestStub(MakeChannel()).Chat(context);
    EXPECT_TRUE(coroutines_.arrivals.Await());
  }
  EXPECT_TRUE(AllEnd());
}

Task<> WaitAt(const TestStub& stub, const char* gate, std::atomic<int>& ok, Event& ended) {
  ClientContext context;
  BlockRequest request;
  request.set_gate(gate);
  const absl::StatusOr<EchoReply> reply = co_await stub.Async().Block(context, request);
  if (reply.ok()) ++ok;
  ended.Happen();
}

TEST_P(CoroutineServerTest, ShutdownEndsThoseThatAreSuspended) {
  coroutines_.nested.emplace(MakeChannel());
  StartServer();
  const TestStub stub(MakeChannel());
  constexpr int kEach = 25;
  std::atomic<int> ok{0};
  Event ended;
  const std::vector<const char*> gates = {"cancelled", "asleep", "nested asleep"};
  for (const char* gate : gates) {
    for (int i = 0; i < kEach; ++i) Spawn(WaitAt(stub, gate, ok, ended));
  }
  std::vector<std::unique_ptr<ClientContext>> contexts;
  std::vector<ClientReaderWriter<EchoRequest, EchoReply>> streams;
  for (int i = 0; i < kEach; ++i) {
    contexts.push_back(std::make_unique<ClientContext>());
    streams.push_back(stub.Chat(*contexts.back()));
  }
  EXPECT_TRUE(coroutines_.arrivals.Await(5 * kEach));
  server_->Shutdown(absl::InfinitePast());
  EXPECT_EQ(coroutines_.alive, 0);
  EXPECT_TRUE(ended.Await(3 * kEach));
  EXPECT_EQ(ok, 0);
  for (auto& stream : streams) EXPECT_FALSE(stream.Finish().ok());
}

TEST_P(CoroutineServerTest, ShutdownLetsThoseEndThatDo) {
  StartServer();
  const TestStub stub(MakeChannel());
  ClientContext context;
  context.set_timeout(kPatience);
  auto stream = stub.Chat(context);
  EchoRequest request;
  request.set_text("still here");
  EchoReply reply;
  ASSERT_TRUE(stream.Write(request));
  ASSERT_TRUE(stream.Read(reply));
  std::thread shutdown([this] { server_->Shutdown(); });
  ASSERT_TRUE(stream.Write(request));
  ASSERT_TRUE(stream.Read(reply));
  EXPECT_TRUE(stream.WritesDone());
  EXPECT_TRUE(stream.Finish().ok());
  shutdown.join();
}

TEST_P(CoroutineServerTest, OneThatBlocksAfterAllDelaysNobody) {
  StartServer();
  const TestStub stub(MakeChannel());
  std::thread blocks([&] { EXPECT_EQ(Block(stub, "blocks"), absl::StatusCode::kOk); });
  EXPECT_TRUE(coroutines_.arrivals.Await());
  for (int i = 0; i < 100; ++i) ExpectEcho(stub, absl::StrCat(i));
  coroutines_.release.Happen();
  blocks.join();
}

TEST_P(CoroutineServerTest, ManyStreamsTakeNoThreads) {
  StartServer();
  const auto channel = MakeChannel();
  const TestStub stub(channel);
  const auto threads = [&stub] {
    ClientContext context;
    BlockRequest request;
    request.set_gate("threads");
    EchoReply reply;
    EXPECT_TRUE(stub.Block(context, request, reply).ok());
    int count = 0;
    EXPECT_TRUE(absl::SimpleAtoi(reply.text(), &count));
    return count;
  };
  const int before = threads();
  constexpr int kStreams = kThreadSanitizer ? 150 : 300;
  std::vector<std::unique_ptr<ClientContext>> contexts;
  std::vector<ClientReaderWriter<EchoRequest, EchoReply>> streams;
  for (int i = 0; i < kStreams; ++i) {
    contexts.push_back(std::make_unique<ClientContext>());
    streams.push_back(stub.Chat(*contexts.back()));
  }
  EchoRequest request;
  EchoReply reply;
  for (int i = 0; i < kStreams; ++i) {
    request.set_text(absl::StrCat(i));
    ASSERT_TRUE(streams[i].Write(request));
    ASSERT_TRUE(streams[i].Read(reply));
    EXPECT_EQ(reply.text(), request.text());
  }
  EXPECT_EQ(coroutines_.alive, kStreams);
  EXPECT_LE(threads(), before + kStreams / 10) << "as many as get stuck for want of a CPU, at most";
  for (auto& stream : streams) {
    EXPECT_TRUE(stream.WritesDone());
    EXPECT_TRUE(stream.Finish().ok());
  }
}

TEST_P(CoroutineServerTest, AStreamUsedWhenTheHandlerHasEndedGivesNothing) {
  StartServer();
  const TestStub stub(MakeChannel());
  for (int i = 1; i <= 20; ++i) {
    ClientContext context;
    context.set_timeout(kPatience);
    auto stream = stub.Hold(context);
    EchoReply reply;
    while (stream.Read(reply)) continue;
    EXPECT_TRUE(stream.Finish().ok());
    EXPECT_TRUE(coroutines_.left_behind.Await(i));
  }
  EXPECT_EQ(coroutines_.read_too_late, 0);
  EXPECT_EQ(coroutines_.written_too_late, 0);
}

// What it has seen, as digits: starts, messages received, messages sent, ends.
class Tally final : public ServerInterceptor {
 public:
  explicit Tally(std::atomic<int>& seen) : seen_(seen) {}
  absl::Status OnStart(ServerContext&, Metadata&) override {
    seen_ += 1000000;
    return absl::OkStatus();
  }
  void OnReceive(const google::protobuf::MessageLite&) override { seen_ += 10000; }
  void OnSend(const google::protobuf::MessageLite&) override { seen_ += 100; }
  void OnFinish(ServerContext&, const absl::Status&) override { seen_ += 1; }

 private:
  std::atomic<int>& seen_;
};

TEST_P(CoroutineServerTest, InterceptorsSeeIt) {
  std::atomic<int> seen{0};
  StartServer({.interceptors = {[&seen](const MethodDescriptor&) { return std::make_unique<Tally>(seen); }}});
  const TestStub stub(MakeChannel());
  EXPECT_EQ(Block(stub, "open"), absl::StatusCode::kOk);
  EXPECT_EQ(seen.exchange(0), 1010101);
  ClientContext context;
  auto stream = stub.Chat(context);
  EchoRequest request;
  EchoReply reply;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(stream.Write(request));
    ASSERT_TRUE(stream.Read(reply));
  }
  EXPECT_TRUE(stream.WritesDone());
  EXPECT_TRUE(stream.Finish().ok());
  EXPECT_EQ(seen.exchange(0), 1030301);
}

TEST_P(CoroutineServerTest, ManyAtOnceEndWellWhileTheServerComesAndGoes) {
  StartServer();
  const TestStub stub(MakeChannel());
  std::atomic<bool> stop{false};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&, i] {
      for (int n = i; !stop; ++n) {
        ClientContext context;
        context.set_timeout(absl::Milliseconds(n % 7));
        if (n % 2 == 0) {
          Block(stub, n % 3 == 0 ? "cancelled" : "asleep", absl::Milliseconds(n % 5));
          continue;
        }
        auto stream = stub.Chat(context);
        EchoRequest request;
        EchoReply reply;
        for (int k = 0; k < n % 4 && stream.Write(request) && stream.Read(reply); ++k) continue;
        if (n % 3 == 0) context.Cancel();
      }
    });
  }
  for (int i = 0; i < 5; ++i) {
    coroutines_.arrivals.Await(coroutines_.arrivals.times() + 50);
    server_->Shutdown(absl::Now() + absl::Milliseconds(10));
    EXPECT_EQ(coroutines_.alive, 0);
    server_.reset();
    StartServer();
  }
  stop = true;
  for (std::thread& client : clients) client.join();
}

INSTANTIATE_TEST_SUITE_P(All, CoroutineServerTest, AllCombinations(), CombinationName);

}  // namespace
}  // namespace udsrpc::testing

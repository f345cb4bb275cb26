// On which threads handlers run, as their users can tell: by who waits for whom. The same in all four combinations.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "tests/integration/combinations.h"

namespace udsrpc::testing {
namespace {

using ::testing::HasSubstr;

class DispatchTest : public CombinationTest {
 protected:
  // As StartServer, with options of methods.
  void StartWith(const ServerOptions& options, const std::vector<std::pair<std::string, MethodOptions>>& methods) {
    absl::StatusOr<std::unique_ptr<Server>> server = Build(options, methods);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  absl::StatusOr<std::unique_ptr<Server>> Build(const ServerOptions& options,
                                                const std::vector<std::pair<std::string, MethodOptions>>& methods) {
    ServerBuilder builder(options);
    builder.AddEndpoint(target_, AllTransports()).RegisterService(&service_);
    for (const auto& [path, method_options] : methods) builder.SetMethodOptions(path, method_options);
    return builder.Start();
  }

  // A call of Block that waits at the gate.
  static std::thread StartBlocked(const TestStub& stub, const std::string& gate) {
    return std::thread([&stub, gate] {
      ClientContext context;
      context.set_timeout(absl::Seconds(20));
      BlockRequest request;
      request.set_gate(gate);
      EchoReply reply;
      const absl::Status status = stub.Block(context, request, reply);
      EXPECT_TRUE(status.ok()) << status;
    });
  }

  // A stream on which each message is answered before the next, with `beside` ahead of each.
  static void Talk(const TestStub& stub, int messages, const std::function<void(int)>& beside) {
    ClientContext context;
    context.set_timeout(absl::Seconds(20));
    auto stream = stub.Chat(context);
    EchoRequest request;
    EchoReply reply;
    for (int i = 0; i < messages; ++i) {
      beside(i);
      request.set_text(absl::StrCat("message ", i));
      ASSERT_TRUE(stream.Write(request)) << i;
      ASSERT_TRUE(stream.Read(reply)) << i;
      ASSERT_EQ(reply.text(), request.text());
    }
    stream.WritesDone();
    EXPECT_TRUE(stream.Finish().ok());
  }
};
INSTANTIATE_TEST_SUITE_P(All, DispatchTest, AllCombinations(), CombinationName);

constexpr char kBlock[] = "/udsrpc.testing.Test/Block";
constexpr char kEcho[] = "/udsrpc.testing.Test/Echo";
using Dispatch = MethodOptions::Dispatch;

TEST_P(DispatchTest, WhateverTheOptionsHandlersThatBlockHoldNobodyUp) {
  for (const Dispatch dispatch : {Dispatch::kAdaptive, Dispatch::kInline, Dispatch::kPool}) {
    StartWith({}, {{kBlock, {.dispatch = dispatch}}, {kEcho, {.dispatch = dispatch}}});
    {
      const TestStub stub(MakeChannel());
      const std::string gate = absl::StrCat(static_cast<int>(dispatch));
      std::vector<std::thread> blocked;
      for (int i = 0; i < 5; ++i) blocked.push_back(StartBlocked(stub, gate));
      EXPECT_TRUE(service_.AwaitArrivals(gate, 5));
      for (int i = 0; i < 20; ++i) ExpectEcho(stub, absl::StrCat(i));
      service_.Open(gate);
      for (std::thread& thread : blocked) thread.join();
      for (int i = 0; i < 20; ++i) ExpectEcho(stub, absl::StrCat(i));
    }
    server_.reset();
  }
}

TEST_P(DispatchTest, TheLimitOfHandlersHoldsWhereverTheyRun) {
  constexpr int kMost = 3;
  StartWith({.max_handler_threads = kMost}, {{kBlock, {.dispatch = Dispatch::kPool}}});
  const TestStub stub(MakeChannel());
  std::vector<std::thread> blocked;
  for (int i = 0; i < 2 * kMost; ++i) blocked.push_back(StartBlocked(stub, "block"));
  EXPECT_TRUE(service_.AwaitArrivals("block", kMost));
  service_.Open("block");
  for (std::thread& thread : blocked) thread.join();
  ExpectEcho(stub, "and on");
}

TEST_P(DispatchTest, SeveralLoopsServeSeveralConnections) {
  StartServer({.max_handler_threads = 64, .event_loops = 3});
  std::vector<std::thread> callers;
  for (int c = 0; c < 8; ++c) {
    callers.emplace_back([this, c] {
      const TestStub stub(MakeChannel());
      Talk(stub, 50, [&](int i) { ExpectEcho(stub, absl::StrCat(c, " ", i)); });
    });
  }
  for (std::thread& caller : callers) caller.join();
}

TEST_P(DispatchTest, OneConnectionMayHaveAllHandlersWhateverTheNumberOfLoops) {
  constexpr int kMost = 6;
  StartServer({.max_handler_threads = kMost, .event_loops = 4});
  const TestStub stub(MakeChannel());
  std::vector<std::thread> blocked;
  for (int i = 0; i < kMost; ++i) blocked.push_back(StartBlocked(stub, "block"));
  EXPECT_TRUE(service_.AwaitArrivals("block", kMost));
  service_.Open("block");
  for (std::thread& thread : blocked) thread.join();
}

TEST_P(DispatchTest, WithOneHandlerAtATimeThereIsOneWhateverTheNumberOfLoops) {
  StartServer({.max_handler_threads = 1, .event_loops = 4});
  std::vector<std::unique_ptr<TestStub>> stubs;
  std::vector<std::thread> blocked;
  for (int i = 0; i < 4; ++i) {
    stubs.push_back(std::make_unique<TestStub>(MakeChannel()));
    blocked.push_back(StartBlocked(*stubs.back(), "block"));
  }
  EXPECT_TRUE(service_.AwaitArrivals("block", 1));
  ClientContext context;
  context.set_timeout(absl::Milliseconds(200));
  EchoReply reply;
  EXPECT_EQ(stubs.front()->Echo(context, EchoRequest(), reply).code(), absl::StatusCode::kDeadlineExceeded);
  service_.Open("block");
  for (std::thread& thread : blocked) thread.join();
}

// The handlers' threads read for each other while they wait, and hand that on.
TEST_P(DispatchTest, StreamsThatWaitForEachOtherAndCallsBesideThemAllGoOn) {
  StartServer();
  const auto channel = MakeChannel();
  const TestStub stub(channel);
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (int c = 0; c < 4; ++c) {
    threads.emplace_back([&stub] { Talk(stub, 300, [](int) {}); });
  }
  std::thread caller([&] {
    for (int i = 0; !over; ++i) ExpectEcho(stub, absl::StrCat("unary ", i));
  });
  for (std::thread& thread : threads) thread.join();
  over = true;
  caller.join();
}

// Two streams of one connection want more than its credit; what the one gives up is the other's, although the thread of
// that one is asleep in the kernel, reading.
TEST_P(DispatchTest, AStreamThatIsCancelledLetsTheNextOneWrite) {
  StartServer();
  const auto channel = MakeChannel();
  const TestStub stub(channel);
  for (int round = 0; round < 20; ++round) {
    InflateRequest request;
    request.set_bytes(1000);
    request.set_messages(1000);
    ClientContext first_context;
    ClientContext second_context;
    for (ClientContext* context : {&first_context, &second_context}) context->set_timeout(absl::Seconds(20));
    auto first = stub.Count(first_context, request);
    EchoReply reply;
    ASSERT_TRUE(first.Read(reply));
    auto second = stub.Count(second_context, request);
    first_context.Cancel();
    int read = 0;
    while (second.Read(reply)) ++read;
    EXPECT_TRUE(second.Finish().ok());
    EXPECT_EQ(read, 1000);
  }
}

// Reads with a lock held that the callbacks of its calls' cancellations want.
class LockingService final : public TestService {
 public:
  absl::Status Chat(ServerContext& context, ServerReaderWriter<EchoReply, EchoRequest>& stream) override {
    std::mutex mutex;
    int called_back = 0;
    context.AddCancelCallback([&] {
      const std::lock_guard lock(mutex);
      ++called_back;
    });
    EchoRequest request;
    {
      const std::lock_guard lock(mutex);
      stream.Write(EchoReply());
      while (stream.Read(request)) continue;
    }
    const absl::Time give_up = absl::Now() + absl::Seconds(20);
    for (bool done = false; !done && absl::Now() < give_up; std::this_thread::yield()) {
      const std::lock_guard lock(mutex);
      done = called_back > 0;
    }
    ended += called_back;
    return absl::OkStatus();
  }

  std::atomic<int> ended{0};
};

// Over gRPC the handler's own thread polls, and runs the callbacks, as server_context.h says.
using SeqpacketDispatchTest = CombinationTest;
INSTANTIATE_TEST_SUITE_P(All, SeqpacketDispatchTest,
                         ::testing::Values(Combination{Transport::kSeqpacket, false},
                                           Combination{Transport::kSeqpacket, true}),
                         CombinationName);

TEST_P(SeqpacketDispatchTest, AHandlerMayReadWithALockThatItsCancelCallbackTakes) {
  LockingService service;
  ServerBuilder builder;
  builder.AddEndpoint(target_, AllTransports()).RegisterService(&service);
  absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  ASSERT_TRUE(server.ok()) << server.status();
  {
    const TestStub stub(MakeChannel());
    for (int round = 0; round < 20; ++round) {
      ClientContext context;
      context.set_timeout(absl::Seconds(20));
      auto stream = stub.Chat(context);
      EchoReply reply;
      ASSERT_TRUE(stream.Read(reply));
      context.Cancel();
      EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kCancelled);
    }
  }
  (*server)->Shutdown();
  EXPECT_EQ(service.ended, 20);
}

TEST_P(DispatchTest, OptionsThatSayNothingSensibleAreRefused) {
  EXPECT_THAT(std::string(Build({}, {{"/udsrpc.testing.Test/Ecco", {}}}).status().message()),
              HasSubstr("options of /udsrpc.testing.Test/Ecco, which no registered service has"));
  EXPECT_EQ(Build({}, {{"Echo", {}}}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Build({.event_loops = -1}, {}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Build({.event_loops = 257}, {}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Build({.event_loops = 16}, {}).ok());
}

}  // namespace
}  // namespace udsrpc::testing

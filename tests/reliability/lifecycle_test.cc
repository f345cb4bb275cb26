// Servers, channels, stubs, contexts and streams that end before what they are used for, in every order: each call ends
// with one status, nobody waits for ever, and nothing is left.

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "tests/integration/async_call.h"
#include "tests/integration/combinations.h"
#include "tests/reliability/process_figures.h"
#include "tests/support/coroutine_service.h"
#include "tests/support/event.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_service.h"
#include "udsrpc/async_client.h"
#include "udsrpc/spawn.h"

namespace udsrpc::testing {
namespace {

using ::testing::AnyOf;
using ::testing::Eq;

// How calls may end whose server ends.
auto MayEndWithTheServer() { return AnyOf(Eq(absl::StatusCode::kUnavailable), Eq(absl::StatusCode::kCancelled)); }

class LifecycleTest : public ::testing::TestWithParam<Transport> {
 protected:
  std::unique_ptr<Server> Serve(Service& service, const ServerOptions& options = {}) {
    ServerBuilder builder(options);
    builder.AddEndpoint(target_, AllTransports()).RegisterService(&service);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    EXPECT_TRUE(server.ok()) << server.status();
    return server.ok() ? *std::move(server) : nullptr;
  }

  std::shared_ptr<Channel> MakeChannel() {
    absl::StatusOr<std::shared_ptr<Channel>> channel = CreateChannel(target_, {.transport = GetParam()});
    EXPECT_TRUE(channel.ok()) << channel.status();
    return *std::move(channel);
  }

  void TearDown() override { EXPECT_TRUE(dir_.IsEmpty()); }

  const TempDir dir_;
  const std::string target_ = absl::StrCat("unix:", dir_.File("s"));
  TestServiceImpl service_;
};
INSTANTIATE_TEST_SUITE_P(All, LifecycleTest, OneByOne(), TransportTestName);

// A call of every kind that a client can have outstanding at the test service, and how they end.
class OneOfEach {
 public:
  explicit OneOfEach(const std::shared_ptr<Channel>& channel) : stub_(channel) {
    callback_.context.set_timeout(10 * kPatience);
    request_ = AtGate("gate");
    blocking_ = std::thread([this] { End(Block()); });
    stub_.Async().Block(callback_.context, request_, callback_.reply,
                        [this](const absl::Status& status) { End(status); });
    Spawn(Awaited(), [this](const absl::Status& status) { End(status); });
    for (int i = 0; i < kStreams; ++i) streams_.emplace_back([this, i] { End(Stream(i)); });
  }
  ~OneOfEach() {
    blocking_.join();
    for (std::thread& stream : streams_) stream.join();
  }

  // That wait at the gate, whatever they are.
  static constexpr int kAtTheGate = 4;
  static constexpr int kCalls = 6;

  bool AwaitEnds() { return ended_.Await(kCalls); }
  std::vector<absl::StatusCode> codes() const {
    internal::MutexLock lock(mutex_);
    return codes_;
  }

 private:
  static constexpr int kStreams = 3;

  absl::Status Block() {
    ClientContext context;
    context.set_timeout(10 * kPatience);
    EchoReply reply;
    return stub_.Block(context, request_, reply);
  }

  Task<absl::Status> Awaited() {
    ClientContext context;
    context.set_timeout(10 * kPatience);
    const absl::StatusOr<EchoReply> reply = co_await stub_.Async().Block(context, request_);
    co_return reply.status();
  }

  absl::Status Stream(int which) {
    ClientContext context;
    context.set_timeout(10 * kPatience);
    EchoRequest request;
    EchoReply reply;
    request.set_text(std::string(50'000, 'x'));
    if (which == 0) {  // waits to read, while its handler waits
      auto hold = stub_.Hold(context);
      while (hold.Read(reply)) continue;
      return hold.Finish();
    }
    if (which == 1) {  // waits to write, as nobody reads
      context.AddMetadata("gate", "unread").IgnoreError();
      auto hold = stub_.Hold(context);
      while (hold.Write(request)) continue;
      return hold.Finish();
    }
    InflateRequest endless;  // reads as its handler writes
    endless.set_messages(1 << 30);
    endless.set_bytes(100);
    auto count = stub_.Count(context, endless);
    while (count.Read(reply)) continue;
    return count.Finish();
  }

  void End(const absl::Status& status) {
    {
      internal::MutexLock lock(mutex_);
      codes_.push_back(status.code());
    }
    ended_.Happen();
  }

  const TestStub stub_;
  BlockRequest request_;
  Call callback_;
  std::thread blocking_;
  std::vector<std::thread> streams_;
  Event ended_;
  mutable internal::Mutex mutex_;
  std::vector<absl::StatusCode> codes_ ABSL_GUARDED_BY(mutex_);
};

TEST_P(LifecycleTest, AServerThatIsDestroyedEndsEveryKindOfCall) {
  const int descriptors = OpenDescriptors();
  {
    auto server = Serve(service_);
    OneOfEach calls(MakeChannel());
    ASSERT_TRUE(service_.AwaitArrivals("gate", OneOfEach::kAtTheGate));
    ASSERT_TRUE(service_.AwaitArrivals("unread", 1));
    server.reset();
    EXPECT_TRUE(calls.AwaitEnds());
    EXPECT_EQ(calls.codes().size(), static_cast<size_t>(OneOfEach::kCalls));
    for (const absl::StatusCode code : calls.codes()) EXPECT_THAT(code, MayEndWithTheServer());
    EXPECT_TRUE(service_.AwaitCancelled("gate", OneOfEach::kAtTheGate));
  }
  EXPECT_TRUE(DescriptorsBecome(descriptors + (GetParam() == Transport::kGrpc ? 10 : 0)));
}

TEST_P(LifecycleTest, AServerThatIsDestroyedEndsHandlersThatAreCoroutines) {
  CoroutineService service;
  auto server = Serve(service);
  const TestStub stub(MakeChannel());
  ClientContext contexts[3];
  BlockRequest requests[3] = {AtGate("cancelled"), AtGate("cancelled"), AtGate("asleep")};
  EchoReply replies[3];
  Event ended;
  for (int i = 0; i < 3; ++i) {
    stub.Async().Block(contexts[i], requests[i], replies[i], [&ended](const absl::Status& status) {
      EXPECT_THAT(status.code(), MayEndWithTheServer()) << status;
      ended.Happen();
    });
  }
  ClientContext context;
  auto chat = stub.Chat(context);
  EchoRequest request;
  EchoReply reply;
  ASSERT_TRUE(chat.Write(request));
  ASSERT_TRUE(chat.Read(reply));  // and its coroutine waits for another
  ASSERT_TRUE(service.arrivals.Await(3));
  server.reset();
  EXPECT_TRUE(ended.Await(3));
  EXPECT_FALSE(chat.Read(reply));
  EXPECT_THAT(chat.Finish().code(), MayEndWithTheServer());
  EXPECT_EQ(service.alive, 0);
}

// Whatever a client is just doing: connecting, beginning calls, in the middle of messages, or ending.
TEST_P(LifecycleTest, AServerMayBeDestroyedAtAnyMoment) {
  const int descriptors = OpenDescriptors();
  const int rounds = FromEnvironment("UDSRPC_LIFECYCLE_ROUNDS", 30);
  absl::BitGen random;
  Event served;
  for (int round = 0; round < rounds; ++round) {
    const int served_before = served.times();
    auto server = Serve(service_);
    ASSERT_NE(server, nullptr);
    std::atomic<bool> stop{false};
    std::vector<std::thread> clients;
    for (int i = 0; i < 3; ++i) {
      clients.emplace_back([&, stub = TestStub(MakeChannel()), i] {
        while (!stop) {
          ClientContext context;
          context.set_timeout(kPatience);
          EchoRequest request;
          EchoReply reply;
          request.set_text(std::string(i == 2 ? 200'000 : 100, 'x'));
          absl::Status status;
          if (i == 0) {
            status = stub.Echo(context, request, reply);
          } else {
            auto chat = stub.Chat(context);
            if (chat.Write(request) && chat.Read(reply)) {
              EXPECT_EQ(reply.text(), request.text());
            }
            chat.WritesDone();
            status = chat.Finish();
          }
          if (status.ok()) served.Happen();
          EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kUnavailable ||
                      status.code() == absl::StatusCode::kCancelled)
              << status;
        }
      });
    }
    if (round % 2 == 0) {
      EXPECT_TRUE(served.Await(served_before + 1));
    }
    absl::SleepFor(absl::Microseconds(absl::Uniform(random, 0, 10'000)));
    if (round % 3 == 0) server->Shutdown(absl::Now() + absl::Microseconds(absl::Uniform(random, 0, 5'000)));
    server.reset();
    stop = true;
    for (std::thread& client : clients) client.join();
  }
  EXPECT_GE(served.times(), rounds / 2);
  EXPECT_TRUE(DescriptorsBecome(descriptors + (GetParam() == Transport::kGrpc ? 10 : 0)));
}

// Nobody but its calls has the channel any more. The last of them lets go of it on a thread of the channel's own.
TEST_P(LifecycleTest, CallsOutliveWhoeverHadTheirChannel) {
  auto server = Serve(service_);
  const int descriptors = OpenDescriptors();
  {
    std::shared_ptr<Channel> channel = MakeChannel();
    const std::weak_ptr<Channel> weak = channel;
    OneOfEach calls(channel);
    ASSERT_TRUE(service_.AwaitArrivals("gate", OneOfEach::kAtTheGate));
    channel.reset();
    EXPECT_FALSE(weak.expired());
    server.reset();
    EXPECT_TRUE(calls.AwaitEnds());
  }
  server = Serve(service_);
  Event ended;
  std::weak_ptr<Channel> weak;
  Call alone;
  const BlockRequest request = AtGate("alone");
  {
    const TestStub stub(MakeChannel());
    stub.Async().Block(alone.context, request, alone.reply, [&ended](const absl::Status& status) {
      EXPECT_EQ(status, absl::OkStatus());
      ended.Happen();
    });
  }
  ASSERT_TRUE(service_.AwaitArrivals("alone", 1));
  service_.Open("alone");
  EXPECT_TRUE(ended.Await());
  EXPECT_TRUE(DescriptorsBecome(descriptors + (GetParam() == Transport::kGrpc ? 10 : 0)));
}

// One completion destroys the channel's last stub, a stream, a context and the server.
TEST_P(LifecycleTest, ACompletionMayDestroyEverything) {
  for (int round = 0; round < 10; ++round) {
    auto server = Serve(service_);
    auto stub = std::make_unique<TestStub>(MakeChannel());
    auto stream_context = std::make_unique<ClientContext>();
    auto stream = std::make_unique<ClientReaderWriter<EchoRequest, EchoReply>>(stub->Chat(*stream_context));
    EchoRequest first;
    EchoReply answer;
    ASSERT_TRUE(stream->Write(first));
    ASSERT_TRUE(stream->Read(answer));
    auto call = std::make_unique<Call>("hello");
    Call& begun = *call;
    Event destroyed;
    stub->Async().Echo(begun.context, begun.request, begun.reply, [&](const absl::Status& status) {
      EXPECT_EQ(status, absl::OkStatus());
      switch (round % 3) {
        case 0:
          stub.reset();
          stream.reset();
          server.reset();
          break;
        case 1:
          server.reset();
          stream.reset();
          stub.reset();
          break;
        default:
          stream.reset();
          server.reset();
          stub.reset();
      }
      stream_context.reset();
      call.reset();
      destroyed.Happen();
    });
    ASSERT_TRUE(destroyed.Await());
  }
}

TEST_P(LifecycleTest, StreamsMayBeDestroyedWhateverTheyAreDoingAndTheirStubsBefore) {
  auto server = Serve(service_);
  for (int round = 0; round < 20; ++round) {
    ClientContext contexts[3];
    auto stub = std::make_unique<TestStub>(MakeChannel());
    auto untouched = stub->Chat(contexts[0]);
    auto held = std::make_unique<ClientReaderWriter<EchoRequest, EchoReply>>(stub->Hold(contexts[1]));
    InflateRequest endless;
    endless.set_messages(1 << 30);
    endless.set_bytes(10'000);
    auto counted = std::make_unique<ClientReader<EchoReply>>(stub->Count(contexts[2], endless));
    EchoReply reply;
    ASSERT_TRUE(counted->Read(reply));
    stub.reset();
    ASSERT_TRUE(held->Read(reply));
    held.reset();
    counted.reset();
    contexts[0].Cancel();
    EXPECT_EQ(untouched.Finish().code(), absl::StatusCode::kCancelled);
  }
  EXPECT_TRUE(service_.AwaitCancelled("gate", 20));
}

TEST_P(LifecycleTest, ShutdownMayBeCalledByManyAtOnceAndAgain) {
  auto server = Serve(service_);
  const TestStub stub(MakeChannel());
  Call call;
  const BlockRequest request = AtGate("gate");
  stub.Async().Block(call.context, request, call.reply, call.Done());
  ASSERT_TRUE(service_.AwaitArrivals("gate", 1));
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&server, i] {
      if (i == 7) server->Wait();
      server->Shutdown(i % 2 == 0 ? absl::Now() + absl::Milliseconds(30) : absl::Now() + absl::Milliseconds(i));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(call.Await(), MayEndWithTheServer());
  server->Shutdown();
  server->Shutdown(absl::InfinitePast());
  EXPECT_EQ(server->Wait(), Server::End::kShutdown);
  EXPECT_EQ(TryEcho(stub).code(), absl::StatusCode::kUnavailable);
}

// On the thread that reads for the channel, while other calls of the channel are outstanding.
TEST_P(LifecycleTest, ShutdownMayBeCalledByACompletion) {
  auto server = Serve(service_);
  const TestStub stub(MakeChannel());
  Call held;
  const BlockRequest request = AtGate("gate");
  stub.Async().Block(held.context, request, held.reply, held.Done());
  ASSERT_TRUE(service_.AwaitArrivals("gate", 1));
  Call call;
  Event ended;
  stub.Async().Echo(call.context, call.request, call.reply, [&](const absl::Status& status) {
    EXPECT_EQ(status, absl::OkStatus());
    server->Shutdown(absl::InfinitePast());
    ended.Happen();
  });
  EXPECT_TRUE(ended.Await());
  EXPECT_THAT(held.Await(), MayEndWithTheServer());
}

}  // namespace
}  // namespace udsrpc::testing

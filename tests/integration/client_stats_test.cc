// What a channel counts, and that it counts the same over both transports, whichever way its calls are made.

#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/integration/async_call.h"
#include "tests/integration/combinations.h"
#include "tests/support/event.h"
#include "udsrpc/async_client.h"
#include "udsrpc/channel_stats.h"
#include "udsrpc/client_interceptor.h"
#include "udsrpc/spawn.h"
#include "udsrpc/task.h"

namespace udsrpc::testing {
namespace {

using google::protobuf::MessageLite;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kTestEcho[] = "/udsrpc.testing.Test/Echo";
constexpr char kTestBlock[] = "/udsrpc.testing.Test/Block";
constexpr char kTestHold[] = "/udsrpc.testing.Test/Hold";

MethodStats StatsOf(const Channel& channel, const std::string& method) {
  for (MethodStats& stats : channel.Stats().methods) {
    if (stats.method == method) return std::move(stats);
  }
  ADD_FAILURE() << "no method " << method;
  return {};
}

uint64_t InFlight(const Channel& channel) {
  uint64_t in_flight = 0;
  for (const MethodStats& stats : channel.Stats().methods) in_flight += stats.in_flight;
  return in_flight;
}

// What makes a call with one request, reads what comes, and gives its status. On the wire all kinds are alike, so each
// may call any method that takes one request and gives one reply.
struct Face {
  const char* name;
  absl::Status (*call)(Channel& channel, const char* path, ClientContext& context, const MessageLite& request);
};

absl::Status CallBlocking(Channel& channel, const char* path, ClientContext& context, const MessageLite& request) {
  EchoReply reply;
  return channel.UnaryCall({path, MethodKind::kUnary}, context, request, reply);
}

absl::Status CallWithCallback(Channel& channel, const char* path, ClientContext& context, const MessageLite& request) {
  EchoReply reply;
  absl::Status result;
  Event done;
  channel.UnaryCall({path, MethodKind::kUnary}, context, request, reply, [&](absl::Status status) {
    EXPECT_EQ(InFlight(channel), 0u);  // who has the status finds the call counted
    result = std::move(status);
    done.Happen();
  });
  EXPECT_TRUE(done.Await());
  return result;
}

Task<absl::Status> AwaitUnary(Channel& channel, const char* path, ClientContext& context, const MessageLite& request) {
  const absl::StatusOr<EchoReply> reply = co_await UnaryCall<EchoReply>(
      channel.shared_from_this(), MethodDescriptor{path, MethodKind::kUnary}, context, request);
  EXPECT_EQ(InFlight(channel), 0u);
  co_return reply.status();
}

absl::Status CallBlockingReader(Channel& channel, const char* path, ClientContext& context,
                                const MessageLite& request) {
  ClientReader<EchoReply> reader(channel.StreamingCall({path, MethodKind::kServerStreaming}, context, &request));
  EchoReply reply;
  while (reader.Read(reply)) {
  }
  return reader.Finish();
}

absl::Status CallBlockingWriter(Channel& channel, const char* path, ClientContext& context,
                                const MessageLite& request) {
  EchoReply reply;
  ClientWriter<MessageLite, EchoReply> writer(
      channel.StreamingCall({path, MethodKind::kClientStreaming}, context, nullptr), reply);
  writer.WriteLast(request);
  return writer.Finish();
}

absl::Status CallBlockingBoth(Channel& channel, const char* path, ClientContext& context, const MessageLite& request) {
  ClientReaderWriter<MessageLite, EchoReply> stream(
      channel.StreamingCall({path, MethodKind::kBidiStreaming}, context, nullptr));
  stream.Write(request);
  stream.WritesDone();
  EchoReply reply;
  while (stream.Read(reply)) {
  }
  return stream.Finish();
}

Task<absl::Status> AwaitReader(Channel& channel, const char* path, ClientContext& context, const MessageLite& request) {
  AsyncClientReader<EchoReply> reader(
      channel.StartStreamingCall({path, MethodKind::kServerStreaming}, context, &request), context);
  while (co_await reader.Read()) {
  }
  absl::Status status = co_await reader.Finish();
  EXPECT_EQ(InFlight(channel), 0u);
  co_return status;
}

Task<absl::Status> AwaitWriter(Channel& channel, const char* path, ClientContext& context, const MessageLite& request) {
  AsyncClientWriter<MessageLite, EchoReply> writer(
      channel.StartStreamingCall({path, MethodKind::kClientStreaming}, context, nullptr), context);
  co_await writer.WriteLast(request);
  const absl::StatusOr<EchoReply> reply = co_await writer.Finish();
  EXPECT_EQ(InFlight(channel), 0u);
  co_return reply.status();
}

Task<absl::Status> AwaitBoth(Channel& channel, const char* path, ClientContext& context, const MessageLite& request) {
  AsyncClientReaderWriter<MessageLite, EchoReply> stream(
      channel.StartStreamingCall({path, MethodKind::kBidiStreaming}, context, nullptr), context);
  co_await stream.Write(request);
  co_await stream.WritesDone();
  while (co_await stream.Read()) {
  }
  absl::Status status = co_await stream.Finish();
  EXPECT_EQ(InFlight(channel), 0u);
  co_return status;
}

template <Task<absl::Status> (*kAwait)(Channel&, const char*, ClientContext&, const MessageLite&)>
absl::Status Wait(Channel& channel, const char* path, ClientContext& context, const MessageLite& request) {
  return SyncWait(kAwait(channel, path, context, request));
}

constexpr Face kFaces[] = {
    {"BlockingUnary", CallBlocking},        {"CallbackUnary", CallWithCallback},    {"AwaitedUnary", Wait<AwaitUnary>},
    {"BlockingReader", CallBlockingReader}, {"BlockingWriter", CallBlockingWriter}, {"BlockingBoth", CallBlockingBoth},
    {"AwaitedReader", Wait<AwaitReader>},   {"AwaitedWriter", Wait<AwaitWriter>},   {"AwaitedBoth", Wait<AwaitBoth>},
};

// What a call goes through between its caller and its transport.
enum class Layers { kNone, kInterceptors, kExecutor, kBoth };

// An interceptor that refuses calls that say so.
class Gatekeeper final : public ClientInterceptor {
 public:
  absl::Status OnStart(ClientContext& /*context*/, Metadata& metadata) override {
    return metadata.Get("refuse") ? absl::PermissionDeniedError("by the test") : absl::OkStatus();
  }
};

ChannelOptions OptionsOf(Layers layers) {
  ChannelOptions options{.max_receive_message_bytes = 1000};
  if (layers == Layers::kInterceptors || layers == Layers::kBoth) {
    options.interceptors.push_back([](const MethodDescriptor&) { return std::make_unique<Gatekeeper>(); });
  }
  if (layers == Layers::kExecutor || layers == Layers::kBoth) {
    options.executor = [](absl::AnyInvocable<void() &&> task) { std::move(task)(); };
  }
  return options;
}

constexpr absl::Duration kShort = absl::Milliseconds(20);

// By transport and face.
class ClientStatsOfFaceTest : public ::testing::TestWithParam<std::tuple<Transport, Face>> {
 protected:
  struct Expected {
    absl::StatusCode code;
    uint64_t sent = 0;      // messages of the size of the request
    bool sends_all = true;  // otherwise the call may have ended before
    uint64_t received = 0;  // messages of the size of an answer to Echo
    absl::Duration at_least = absl::ZeroDuration();
  };

  void SetUp() override {
    ServerBuilder builder;
    builder.AddEndpoint(target_, AllTransports()).RegisterService(&service_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    request_.set_text("four");
  }

  static std::shared_ptr<Channel> To(const std::string& target, ChannelOptions options = {}) {
    options.transport = std::get<Transport>(GetParam());
    return CreateChannel(target, options).value();
  }

  // Makes the call over one channel after the other, each with other layers, and compares what those have counted.
  // `prepare` is given a context that has a timeout.
  void ExpectCounted(
      const std::string& target, const char* path, const MessageLite& request, const Expected& expected,
      const std::function<void(ClientContext&)>& prepare = [](ClientContext&) {}) {
    for (const Layers layers : {Layers::kNone, Layers::kInterceptors, Layers::kExecutor, Layers::kBoth}) {
      SCOPED_TRACE(absl::StrCat("layers ", static_cast<int>(layers)));
      if (needs_interceptors_ && layers != Layers::kInterceptors && layers != Layers::kBoth) continue;
      const std::shared_ptr<Channel> channel = To(target, OptionsOf(layers));
      EXPECT_THAT(channel->Stats().methods, ::testing::SizeIs(1));
      ClientContext context;
      context.set_timeout(kPatience);
      prepare(context);
      const absl::Time before = absl::Now();
      const absl::Status status = std::get<Face>(GetParam()).call(*channel, path, context, request);
      const absl::Duration took = absl::Now() - before;
      if (canceller_.joinable()) canceller_.join();  // which has the context
      EXPECT_EQ(status.code(), expected.code) << status;

      const std::vector<MethodStats> methods = channel->Stats().methods;
      ASSERT_EQ(methods.size(), 2u);
      EXPECT_EQ(methods[0].method, path);
      EXPECT_EQ(methods[0].started, 1u);
      EXPECT_EQ(methods[0].in_flight, 0u);
      EXPECT_THAT(methods[0].ended, ElementsAre(::testing::Pair(expected.code, 1u)));
      EXPECT_LE(methods[0].sent_messages, expected.sent);
      EXPECT_GE(methods[0].sent_messages, expected.sends_all ? expected.sent : 0);
      EXPECT_EQ(methods[0].sent_bytes, methods[0].sent_messages * request.ByteSizeLong());
      EXPECT_EQ(methods[0].received_messages, expected.received);
      EXPECT_EQ(methods[0].received_bytes, expected.received * request_.ByteSizeLong());
      EXPECT_EQ(methods[0].latency.count(), 1u);
      // The clocks may differ by a hair, and the wall's may be stepped a little.
      EXPECT_GE(methods[0].latency.max(), expected.at_least * 0.99);
      EXPECT_LE(methods[0].latency.max(), took * 1.01 + absl::Milliseconds(1));
      EXPECT_EQ(methods[1].method, "");
      EXPECT_EQ(methods[1].started, 0u);
    }
  }

  // Of a context that has one that nobody accepts.
  static void AttachDescriptor(ClientContext& context) {
    context.AttachFd(UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)));
  }

  TempDir dir_;
  const std::string target_ = absl::StrCat("unix:", dir_.File("s"));
  const std::string nobody_ = absl::StrCat("unix:", dir_.File("nobody"));
  TestServiceImpl service_;
  std::unique_ptr<Server> server_;
  EchoRequest request_;
  bool needs_interceptors_ = false;
  std::thread canceller_;  // of the call under way
};

TEST_P(ClientStatsOfFaceTest, AnsweredCalls) {
  ExpectCounted(target_, kTestEcho, request_, {.code = absl::StatusCode::kOk, .sent = 1, .received = 1});
}

TEST_P(ClientStatsOfFaceTest, CallsThatTheHandlerFailed) {
  FailRequest request;
  for (int code = 1; code <= 16; ++code) {
    request.set_code(code);
    ExpectCounted(target_, "/udsrpc.testing.Test/Fail", request,
                  {.code = static_cast<absl::StatusCode>(code), .sent = 1});
  }
  ExpectCounted(target_, "/udsrpc.testing.Test/Throw", request_, {.code = absl::StatusCode::kUnknown, .sent = 1});
}

TEST_P(ClientStatsOfFaceTest, CallsOfNoMethod) {
  ExpectCounted(target_, "/udsrpc.testing.Test/Nothing", request_,
                {.code = absl::StatusCode::kUnimplemented, .sent = 1, .sends_all = false});
}

TEST_P(ClientStatsOfFaceTest, AReplyOverTheLimit) {
  InflateRequest request;
  request.set_bytes(2000);
  ExpectCounted(target_, "/udsrpc.testing.Test/Inflate", request,
                {.code = absl::StatusCode::kResourceExhausted, .sent = 1});
}

TEST_P(ClientStatsOfFaceTest, CallsThatRunUntilTheirDeadline) {
  ExpectCounted(target_, kTestBlock, AtGate("gate"),
                {.code = absl::StatusCode::kDeadlineExceeded, .sent = 1, .sends_all = false, .at_least = kShort},
                [](ClientContext& context) { context.set_timeout(kShort); });
}

TEST_P(ClientStatsOfFaceTest, CallsThatAreCancelledWhileTheyRun) {
  int calls = 0;
  ExpectCounted(target_, kTestBlock, AtGate("gate"), {.code = absl::StatusCode::kCancelled, .sent = 1},
                [&](ClientContext& context) {
                  canceller_ = std::thread([this, &context, call = ++calls] {
                    EXPECT_TRUE(service_.AwaitArrivals("gate", call));
                    context.Cancel();
                  });
                });
}

// From here on: calls of which nothing is sent.

TEST_P(ClientStatsOfFaceTest, CallsToNobody) {
  ExpectCounted(nobody_, kTestEcho, request_, {.code = absl::StatusCode::kUnavailable});
}

TEST_P(ClientStatsOfFaceTest, CallsThatWaitForAServerUntilTheirDeadline) {
  ExpectCounted(nobody_, kTestEcho, request_, {.code = absl::StatusCode::kDeadlineExceeded, .at_least = kShort},
                [](ClientContext& context) {
                  context.set_wait_for_ready(true);
                  context.set_timeout(kShort);
                });
}

TEST_P(ClientStatsOfFaceTest, CallsThatAreCancelledWhileTheyWaitForAServer) {
  ExpectCounted(nobody_, kTestEcho, request_, {.code = absl::StatusCode::kCancelled}, [&](ClientContext& context) {
    context.set_wait_for_ready(true);
    canceller_ = std::thread([&context] { context.Cancel(); });  // or a little before
  });
}

TEST_P(ClientStatsOfFaceTest, CallsWhoseDeadlineHasPassed) {
  ExpectCounted(target_, kTestEcho, request_, {.code = absl::StatusCode::kDeadlineExceeded},
                [](ClientContext& context) { context.set_timeout(absl::ZeroDuration()); });
  ExpectCounted(target_, kTestEcho, request_, {.code = absl::StatusCode::kDeadlineExceeded},
                [](ClientContext& context) { context.set_deadline(absl::Now() - absl::Seconds(1)); });
}

TEST_P(ClientStatsOfFaceTest, CallsThatWereCancelledBefore) {
  ExpectCounted(target_, kTestEcho, request_, {.code = absl::StatusCode::kCancelled},
                [](ClientContext& context) { context.Cancel(); });
}

TEST_P(ClientStatsOfFaceTest, CallsWithAContextThatHasServedOne) {
  const TestStub other(To(target_));
  ExpectCounted(target_, kTestEcho, request_, {.code = absl::StatusCode::kFailedPrecondition},
                [&](ClientContext& context) {
                  EchoReply reply;
                  EXPECT_TRUE(other.Echo(context, request_, reply).ok());
                });
}

TEST_P(ClientStatsOfFaceTest, CallsWithDescriptorsThatAreNotAccepted) {
  ExpectCounted(target_, kTestEcho, request_, {.code = absl::StatusCode::kFailedPrecondition}, AttachDescriptor);
}

TEST_P(ClientStatsOfFaceTest, CallsThatAnInterceptorRefuses) {
  needs_interceptors_ = true;
  ExpectCounted(target_, kTestEcho, request_, {.code = absl::StatusCode::kPermissionDenied},
                [](ClientContext& context) { EXPECT_TRUE(context.AddMetadata("refuse", "me").ok()); });
}

INSTANTIATE_TEST_SUITE_P(All, ClientStatsOfFaceTest, ::testing::Combine(OneByOne(), ::testing::ValuesIn(kFaces)),
                         [](const ::testing::TestParamInfo<std::tuple<Transport, Face>>& info) {
                           return absl::StrCat(
                               std::get<Transport>(info.param) == Transport::kGrpc ? "Grpc" : "Seqpacket",
                               std::get<Face>(info.param).name);
                         });

using ClientStatsTest = CombinationTest;

INSTANTIATE_TEST_SUITE_P(All, ClientStatsTest, AllCombinations(), CombinationName);

TEST_P(ClientStatsTest, CallsOfOneMethodAddUp) {
  StartServer();
  const std::shared_ptr<Channel> channel = MakeChannel();
  const TestStub stub(channel);
  for (int i = 0; i < 3; ++i) ExpectEcho(stub, "four");
  ClientContext context;
  context.set_timeout(absl::ZeroDuration());
  EchoReply reply;
  EXPECT_EQ(stub.Echo(context, EchoRequest(), reply).code(), absl::StatusCode::kDeadlineExceeded);
  const MethodStats echo = StatsOf(*channel, kTestEcho);
  EXPECT_EQ(echo.started, 4u);
  EXPECT_THAT(echo.ended, ElementsAre(::testing::Pair(absl::StatusCode::kOk, 3u),
                                      ::testing::Pair(absl::StatusCode::kDeadlineExceeded, 1u)));
  EXPECT_EQ(echo.latency.count(), 4u);
  EXPECT_EQ(echo.sent_bytes, 3 * 6u);  // tag, length, four letters
  EXPECT_EQ(echo.received_bytes, 3 * 6u);
}

TEST_P(ClientStatsTest, CountsTheSameAsTheServer) {
  StartServer();
  const std::shared_ptr<Channel> channel = MakeChannel({.max_receive_message_bytes = 10 << 20});
  const TestStub stub(channel);
  ExpectEcho(stub, "four");
  ExpectEcho(stub, std::string(300'000, 'x'));  // in fragments, over seqpacket
  EXPECT_EQ(SyncWait(CountMessages(stub, 5, 100'000)), 5);
  {
    ClientContext context;
    context.set_timeout(kPatience);
    auto chat = stub.Chat(context);
    EchoRequest request;
    EchoReply reply;
    for (const size_t bytes : {size_t{0}, size_t{4}, size_t{200'000}}) {
      request.set_text(std::string(bytes, 'x'));
      EXPECT_TRUE(chat.Write(request));
      EXPECT_TRUE(chat.Read(reply));
    }
    request.set_text("abort");
    EXPECT_TRUE(chat.WriteLast(request));
    EXPECT_FALSE(chat.Read(reply));
    EXPECT_EQ(chat.Finish().code(), absl::StatusCode::kAborted);
  }
  int compared = 0;
  for (const MethodStats& served : server_->Stats().methods) {
    if (served.started == 0) continue;
    SCOPED_TRACE(served.method);
    ++compared;
    const MethodStats made = StatsOf(*channel, served.method);
    EXPECT_EQ(made.started, served.started);
    EXPECT_EQ(made.ended, served.ended);
    EXPECT_EQ(made.sent_messages, served.received_messages);
    EXPECT_EQ(made.sent_bytes, served.received_bytes);
    EXPECT_EQ(made.received_messages, served.sent_messages);
    EXPECT_EQ(made.received_bytes, served.sent_bytes);
    EXPECT_GE(made.latency.max(), served.latency.max());
  }
  EXPECT_EQ(compared, 3);
}

TEST_P(ClientStatsTest, ACallIsInFlightUntilItsCallerHasItsStatus) {
  StartServer();
  const std::shared_ptr<Channel> channel = MakeChannel();
  const TestStub stub(channel);
  Call call;
  const BlockRequest request = AtGate("gate");
  stub.Async().Block(call.context, request, call.reply, call.Done());
  ASSERT_TRUE(service_.AwaitArrivals("gate", 1));
  MethodStats block = StatsOf(*channel, kTestBlock);
  EXPECT_EQ(block.started, 1u);
  EXPECT_EQ(block.in_flight, 1u);
  EXPECT_THAT(block.ended, IsEmpty());
  EXPECT_EQ(block.latency.count(), 0u);
  call.context.Cancel();
  EXPECT_EQ(call.Await(), absl::StatusCode::kCancelled);
  block = StatsOf(*channel, kTestBlock);
  EXPECT_EQ(block.in_flight, 0u);
  EXPECT_THAT(block.ended, ElementsAre(::testing::Pair(absl::StatusCode::kCancelled, 1u)));

  ClientContext context;
  context.set_timeout(kPatience);
  auto reader = stub.Count(context, InflateRequest());
  EchoReply reply;
  EXPECT_FALSE(reader.Read(reply));  // the server has ended it
  EXPECT_EQ(InFlight(*channel), 1u);
  EXPECT_TRUE(reader.Finish().ok());
  EXPECT_EQ(InFlight(*channel), 0u);
}

TEST_P(ClientStatsTest, WhatIsLetGoOfHasBeenCancelled) {
  StartServer();
  for (const Layers layers : {Layers::kNone, Layers::kInterceptors, Layers::kExecutor, Layers::kBoth}) {
    SCOPED_TRACE(static_cast<int>(layers));
    const std::shared_ptr<Channel> channel = MakeChannel(OptionsOf(layers));
    const MethodDescriptor hold{kTestHold, MethodKind::kBidiStreaming};
    const MethodDescriptor block{kTestBlock, MethodKind::kUnary};
    ClientContext contexts[4];
    for (ClientContext& context : contexts) context.set_timeout(kPatience);
    const BlockRequest request = AtGate("gate");
    EchoReply replies[2];
    std::unique_ptr<ClientStream> stream = channel->StreamingCall(hold, contexts[0], nullptr);
    std::unique_ptr<AsyncClientStream> async_stream = channel->StartStreamingCall(hold, contexts[1], nullptr);
    std::unique_ptr<AsyncUnaryCall> prepared = channel->PrepareUnaryCall(block, contexts[2], request, replies[0]);
    std::unique_ptr<AsyncUnaryCall> started = channel->PrepareUnaryCall(block, contexts[3], request, replies[1]);
    started->Start([](absl::Status status) { ADD_FAILURE() << "it was let go of: " << status; });
    EXPECT_EQ(StatsOf(*channel, kTestHold).in_flight, 2u);
    EXPECT_EQ(StatsOf(*channel, kTestBlock).in_flight, 2u);
    stream.reset();
    EXPECT_EQ(StatsOf(*channel, kTestHold).in_flight, 1u);
    async_stream.reset();
    EXPECT_THAT(StatsOf(*channel, kTestHold).ended, ElementsAre(::testing::Pair(absl::StatusCode::kCancelled, 2u)));
    prepared.reset();
    EXPECT_EQ(StatsOf(*channel, kTestBlock).in_flight, 1u);
    started.reset();
    EXPECT_THAT(StatsOf(*channel, kTestBlock).ended, ElementsAre(::testing::Pair(absl::StatusCode::kCancelled, 2u)));
    EXPECT_EQ(InFlight(*channel), 0u);
  }
}

TEST_P(ClientStatsTest, CallsOfAStubThatIsGoneAreCounted) {
  StartServer();
  const std::shared_ptr<Channel> channel = MakeChannel();
  auto stub = std::make_unique<TestStub>(channel);
  const BlockRequest request = AtGate("gate");
  Call call;
  stub->Async().Block(call.context, request, call.reply, call.Done());
  ClientContext context;
  context.set_timeout(kPatience);
  auto stream = stub->Hold(context);
  stub.reset();
  ASSERT_TRUE(service_.AwaitArrivals("gate", 2));
  EXPECT_EQ(InFlight(*channel), 2u);
  service_.Open("gate");
  EXPECT_EQ(call.Await(), absl::StatusCode::kOk);
  EXPECT_TRUE(stream.WritesDone());
  EXPECT_TRUE(stream.Finish().ok());
  EXPECT_THAT(StatsOf(*channel, kTestBlock).ended, ElementsAre(::testing::Pair(absl::StatusCode::kOk, 1u)));
  EXPECT_THAT(StatsOf(*channel, kTestHold).ended, ElementsAre(::testing::Pair(absl::StatusCode::kOk, 1u)));
  EXPECT_EQ(InFlight(*channel), 0u);
}

// What counts has to live until the last call has been counted.
TEST_P(ClientStatsTest, ACallOutlivesWhatIsLeftOfItsChannel) {
  StartServer();
  for (const bool finishes : {true, false}) {
    std::shared_ptr<Channel> channel = MakeChannel();
    const std::weak_ptr<Channel> left = channel;
    ClientContext context;
    context.set_timeout(kPatience);
    auto chat = std::make_unique<ClientReaderWriter<EchoRequest, EchoReply>>(TestStub(channel).Chat(context));
    const BlockRequest request = AtGate("gate");
    Call call;
    std::unique_ptr<AsyncUnaryCall> block =
        channel->PrepareUnaryCall({kTestBlock, MethodKind::kUnary}, call.context, request, call.reply);
    block->Start(call.Done());
    channel.reset();
    if (finishes) {
      EXPECT_TRUE(chat->WritesDone());
      EXPECT_TRUE(chat->Finish().ok());
      service_.Open("gate");
      EXPECT_EQ(call.Await(), absl::StatusCode::kOk);
    }
    chat.reset();
    EXPECT_FALSE(left.expired());
    block.reset();
    EXPECT_TRUE(left.expired());
  }
}

TEST_P(ClientStatsTest, ManyThreadsLoseNothing) {
  constexpr int kThreads = 4;
  constexpr int kCalls = 300;
  StartServer();
  const std::shared_ptr<Channel> channel = MakeChannel();
  const TestStub stub(channel);
  std::atomic<bool> stop{false};
  std::thread looker([&] {
    uint64_t before = 0;
    while (!stop) {
      for (const MethodStats& stats : channel->Stats().methods) {
        if (stats.method != kTestEcho) continue;
        EXPECT_GE(stats.started, before);
        EXPECT_LE(stats.in_flight, stats.started);  // those that end meanwhile among them
        before = stats.started;
      }
    }
  });
  std::vector<std::thread> callers;
  for (int i = 0; i < kThreads; ++i) {
    callers.emplace_back([&] {
      for (int call = 0; call < kCalls; ++call) {
        Call beside("four");
        stub.Async().Echo(beside.context, beside.request, beside.reply, beside.Done());
        ExpectEcho(stub, "four");
        EXPECT_EQ(beside.Await(), absl::StatusCode::kOk);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  stop = true;
  looker.join();
  const MethodStats echo = StatsOf(*channel, kTestEcho);
  EXPECT_EQ(echo.started, 2u * kThreads * kCalls);
  EXPECT_THAT(echo.ended, ElementsAre(::testing::Pair(absl::StatusCode::kOk, 2u * kThreads * kCalls)));
  EXPECT_EQ(echo.latency.count(), 2u * kThreads * kCalls);
  EXPECT_EQ(echo.received_bytes, 6u * 2 * kThreads * kCalls);
}

TEST_P(ClientStatsTest, NamesThatAreMadeUpDoNotMakeItGrow) {
  constexpr uint64_t kNames = 300;
  constexpr uint64_t kPlaces = 256;
  StartServer();
  const std::shared_ptr<Channel> channel = MakeChannel();
  char path[64];  // the same place for another name each time
  for (uint64_t i = 0; i < kNames; ++i) {
    *std::copy_n(absl::StrCat("/not.There/Method", 1000 + i).c_str(), 21, path) = '\0';
    ClientContext context;
    context.set_timeout(kPatience);
    EchoReply reply;
    EXPECT_EQ(channel->UnaryCall({path, MethodKind::kUnary}, context, EchoRequest(), reply).code(),
              absl::StatusCode::kUnimplemented);
  }
  const std::vector<MethodStats> methods = channel->Stats().methods;
  ASSERT_EQ(methods.size(), kPlaces + 1);
  for (uint64_t i = 0; i < kPlaces; ++i) {
    EXPECT_EQ(methods[i].method, absl::StrCat("/not.There/Method", 1000 + i));
    EXPECT_EQ(methods[i].started, 1u);
  }
  EXPECT_EQ(methods.back().method, "");
  EXPECT_THAT(methods.back().ended, ElementsAre(::testing::Pair(absl::StatusCode::kUnimplemented, kNames - kPlaces)));
}

}  // namespace
}  // namespace udsrpc::testing

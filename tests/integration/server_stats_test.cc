// What a server counts, and that it counts the same over both transports.

#include "udsrpc/server_stats.h"

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "tests/integration/combinations.h"
#include "tests/support/event.h"
#include "udsrpc/method.h"

namespace udsrpc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr char kEcho[] = "/udsrpc.testing.Test/Echo";
constexpr char kFail[] = "/udsrpc.testing.Test/Fail";
constexpr char kBlock[] = "/udsrpc.testing.Test/Block";
constexpr char kChat[] = "/udsrpc.testing.Test/Chat";
constexpr char kCount[] = "/udsrpc.testing.Test/Count";

class ServerStatsTest : public CombinationTest {
 protected:
  MethodStats Of(const std::string& method) const {
    for (const MethodStats& stats : server_->Stats().methods) {
      if (stats.method == method) return stats;
    }
    ADD_FAILURE() << "no method " << method;
    return {};
  }
  TransportStats OfTransport() const {
    for (const TransportStats& stats : server_->Stats().transports) {
      if (stats.transport == GetParam().transport) return stats;
    }
    return {};
  }
  // Asks again and again, as what is waited for is on its way.
  bool Eventually(const std::function<bool()>& condition) const {
    const absl::Time give_up = absl::Now() + kPatience;
    while (!condition()) {
      if (absl::Now() > give_up) return false;
      std::this_thread::yield();
    }
    return true;
  }
};

INSTANTIATE_TEST_SUITE_P(All, ServerStatsTest, AllCombinations(), CombinationName);

TEST_P(ServerStatsTest, CallsAreCountedByMethodAndStatus) {
  StartServer();
  const TestStub stub(MakeChannel());
  for (int i = 0; i < 3; ++i) ExpectEcho(stub, "four");
  ClientContext context;
  FailRequest request;
  request.set_code(5);
  EchoReply reply;
  EXPECT_EQ(stub.Fail(context, request, reply).code(), absl::StatusCode::kNotFound);

  const MethodStats echo = Of(kEcho);
  EXPECT_EQ(echo.started, 3u);
  EXPECT_EQ(echo.in_flight, 0u);
  EXPECT_THAT(echo.ended, ElementsAre(Pair(absl::StatusCode::kOk, 3u)));
  EXPECT_EQ(echo.received_messages, 3u);
  EXPECT_EQ(echo.received_bytes, 3 * 6u);  // tag, length, four letters
  EXPECT_EQ(echo.sent_messages, 3u);
  EXPECT_EQ(echo.sent_bytes, 3 * 6u);
  EXPECT_EQ(echo.latency.count(), 3u);
  EXPECT_GT(echo.latency.Quantile(0.5), absl::ZeroDuration());
  EXPECT_LT(echo.latency.max(), absl::Minutes(1));
  const MethodStats fail = Of(kFail);
  EXPECT_THAT(fail.ended, ElementsAre(Pair(absl::StatusCode::kNotFound, 1u)));
  EXPECT_EQ(fail.sent_messages, 0u);
  EXPECT_EQ(fail.latency.count(), 1u);
  EXPECT_EQ(Of("").started, 0u);
  EXPECT_LT(server_->Stats().uptime, absl::Minutes(10));
}

TEST_P(ServerStatsTest, ACallThatRunsIsInFlightUntilItIsCancelled) {
  StartServer();
  const TestStub stub(MakeChannel());
  ClientContext context;
  BlockRequest request;
  request.set_gate("gate");
  EchoReply reply;
  Event done;
  stub.Async().Block(context, request, reply, [&](absl::Status status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
    done.Happen();
  });
  ASSERT_TRUE(service_.AwaitArrivals("gate", 1));
  EXPECT_EQ(Of(kBlock).in_flight, 1u);
  EXPECT_THAT(Of(kBlock).ended, IsEmpty());
  context.Cancel();
  ASSERT_TRUE(done.Await());
  EXPECT_TRUE(Eventually([&] { return Of(kBlock).in_flight == 0; }));
  EXPECT_THAT(Of(kBlock).ended, ElementsAre(Pair(absl::StatusCode::kCancelled, 1u)));
}

TEST_P(ServerStatsTest, MessagesOfStreamsAreCounted) {
  StartServer();
  const TestStub stub(MakeChannel());
  {
    ClientContext context;
    InflateRequest request;
    request.set_bytes(100'000);  // in fragments, over seqpacket
    request.set_messages(5);
    auto reader = stub.Count(context, request);
    EchoReply reply;
    while (reader.Read(reply)) {
    }
    EXPECT_TRUE(reader.Finish().ok());
  }
  EXPECT_EQ(Of(kCount).sent_messages, 5u);
  EXPECT_GT(Of(kCount).sent_bytes, 5 * 100'000u);
  EXPECT_LT(Of(kCount).sent_bytes, 5 * 100'010u);
  ClientContext context;
  auto stream = stub.Chat(context);
  EchoRequest request;
  EchoReply reply;
  request.set_text("four");
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(stream.Write(request));
    EXPECT_TRUE(stream.Read(reply));
  }
  EXPECT_EQ(Of(kChat).in_flight, 1u);
  stream.WritesDone();
  EXPECT_TRUE(stream.Finish().ok());
  EXPECT_EQ(Of(kChat).received_messages, 4u);
  EXPECT_EQ(Of(kChat).received_bytes, 4 * 6u);
  EXPECT_EQ(Of(kChat).sent_messages, 4u);
  EXPECT_EQ(Of(kChat).sent_bytes, 4 * 6u);
}

TEST_P(ServerStatsTest, WhateverNamesThatAreNotThereAreOneMethod) {
  StartServer();
  const std::shared_ptr<Channel> channel = MakeChannel();
  const size_t methods = server_->Stats().methods.size();
  for (int i = 0; i < 20; ++i) {
    const std::string path = absl::StrCat("/not.There/Method", i);
    const MethodDescriptor method{.path = path.c_str(), .kind = MethodKind::kUnary};
    ClientContext context;
    EchoReply reply;
    EXPECT_EQ(channel->UnaryCall(method, context, EchoRequest(), reply).code(), absl::StatusCode::kUnimplemented);
  }
  EXPECT_EQ(server_->Stats().methods.size(), methods);
  EXPECT_EQ(server_->Stats().methods.back().method, "");
  EXPECT_EQ(Of("").started, 20u);
  EXPECT_THAT(Of("").ended, ElementsAre(Pair(absl::StatusCode::kUnimplemented, 20u)));
}

TEST_P(ServerStatsTest, RefusedCallsAreCounted) {
  StartServer({.max_receive_message_bytes = 1000, .max_metadata_bytes = 2000});
  const TestStub stub(MakeChannel());
  ClientContext context;
  ASSERT_TRUE(context.AddMetadata("key", std::string(3000, 'x')).ok());
  EchoReply reply;
  EXPECT_EQ(stub.Echo(context, EchoRequest(), reply).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(Of(kEcho).ended, ElementsAre(Pair(absl::StatusCode::kResourceExhausted, 1u)));
  EXPECT_EQ(Of(kEcho).in_flight, 0u);
}

// Its handler waits for the test, whether or not its call is cancelled.
class StubbornService final : public TestService {
 public:
  absl::Status Echo(ServerContext& /*context*/, const EchoRequest& /*request*/, EchoReply& /*reply*/) override {
    arrived.Happen();
    EXPECT_TRUE(leave.Await());
    return absl::OkStatus();
  }
  Event arrived;
  Event leave;
};

TEST_P(ServerStatsTest, AConnectionIsClosedThoughAHandlerOfItsRuns) {
  if (GetParam().transport == Transport::kGrpc) GTEST_SKIP() << "gRPC keeps the socket as long as its calls";
  StubbornService service;
  TempDir dir;
  const std::string target = "unix:" + dir.path() + "/s";
  ServerBuilder builder;
  builder.AddEndpoint(target, AllTransports()).RegisterService(&service);
  absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  ASSERT_TRUE(server.ok()) << server.status();
  {
    const TestStub stub(*CreateChannel(target, {.transport = GetParam().transport}));
    ClientContext context;
    const EchoRequest request;
    EchoReply reply;
    Event done;
    stub.Async().Echo(context, request, reply, [&](absl::Status /*status*/) { done.Happen(); });
    ASSERT_TRUE(service.arrived.Await());
    context.Cancel();
    ASSERT_TRUE(done.Await());
  }
  EXPECT_TRUE(Eventually([&] { return (*server)->Stats().peers.empty(); }));
  service.leave.Happen();
}

TEST_P(ServerStatsTest, PeersAndConnectionsAreThereWhileTheyAreOpen) {
  StartServer();
  EXPECT_THAT(server_->Stats().peers, IsEmpty());
  {
    const TestStub one(MakeChannel());
    ExpectEcho(one, "a");
    ExpectEcho(one, "b");
    ClientContext context;
    FailRequest request;
    request.set_code(3);
    EchoReply reply;
    EXPECT_FALSE(one.Fail(context, request, reply).ok());
    const ServerStats stats = server_->Stats();
    ASSERT_EQ(stats.peers.size(), 1u);
    EXPECT_EQ(stats.peers[0].pid, getpid());
    EXPECT_EQ(stats.peers[0].uid, geteuid());
    EXPECT_EQ(stats.peers[0].connections, 1u);
    EXPECT_EQ(stats.peers[0].started, 3u);
    EXPECT_EQ(stats.peers[0].in_flight, 0u);
    EXPECT_EQ(stats.peers[0].errors, 1u);
    EXPECT_EQ(OfTransport().connections, 1u);
    EXPECT_EQ(OfTransport().accepted, 1u);
  }
  EXPECT_TRUE(Eventually([&] { return server_->Stats().peers.empty(); }));
  EXPECT_EQ(OfTransport().connections, 0u);
  EXPECT_EQ(OfTransport().accepted, 1u);
}

}  // namespace
}  // namespace udsrpc::testing

// What one user's processes may have of a server at a time.

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/src/socket/socket.h"
#include "gmock/gmock.h"
#include "tests/integration/combinations.h"
#include "tests/support/event.h"

namespace udsrpc::testing {
namespace {

using ::testing::HasSubstr;

class UserLimitsTest : public CombinationTest {
 protected:
  void Serve(const UserLimits& limits) { StartServer({.user_limits_of = {{geteuid(), limits}}}); }

  static void ExpectExhausted(const absl::Status& status, const std::string& what) {
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(what));
  }
};
INSTANTIATE_TEST_SUITE_P(All, UserLimitsTest, AllCombinations(), CombinationName);

TEST_P(UserLimitsTest, ThereAreNoneByDefaultForTheServersOwnUser) {
  StartServer({.user_limits = {.max_connections = 1, .max_calls = 1}});
  std::vector<TestStub> stubs;
  for (int i = 0; i < 4; ++i) {
    stubs.emplace_back(MakeChannel());
    ExpectEcho(stubs.back(), "hello");
  }
}

TEST_P(UserLimitsTest, ConnectionsBeyondTheLimitAreToldSo) {
  Serve({.max_connections = 2});
  auto first = std::make_unique<TestStub>(MakeChannel());
  const TestStub second(MakeChannel());
  const TestStub third(MakeChannel());
  ExpectEcho(*first, "first");
  ExpectEcho(second, "second");
  for (int i = 0; i < 3; ++i) ExpectExhausted(TryEcho(third), "has 2 connections");
  first.reset();
  // On the connection that was refused. Over gRPC the former one's number is not free for 5 s.
  EXPECT_TRUE(AnsweredWithin(third, kPatience));
  ExpectEcho(second, "second again");
  ExpectExhausted(TryEcho(TestStub(MakeChannel())), "has 2 connections");
}

TEST_P(UserLimitsTest, ManyCallsAtATimeOnARefusedConnectionAreAllToldSo) {
  Serve({.max_connections = 1});
  const TestStub first(MakeChannel());
  ExpectEcho(first, "first");
  const TestStub second(MakeChannel());
  std::vector<std::thread> callers;
  for (int i = 0; i < 12; ++i) {
    callers.emplace_back([&second] {
      for (int n = 0; n < 20; ++n) ExpectExhausted(TryEcho(second), "has 1 connections");
    });
  }
  for (std::thread& caller : callers) caller.join();
  ExpectEcho(first, "first again");
}

TEST_P(UserLimitsTest, OnlySomeThatAreRefusedAreKept) {
  Serve({.max_connections = 1});
  const TestStub stub(MakeChannel());
  ExpectEcho(stub, "hello");
  const SocketKind kind = GetParam().transport == Transport::kGrpc ? SocketKind::kStream : SocketKind::kSeqpacket;
  const SocketAddress address = *SocketAddress::Of(*Endpoint::Parse(target_), kind);
  std::vector<UniqueFd> silent;
  for (int i = 0; i < 12; ++i) {
    int error;
    auto socket = ConnectSocket(address, kind, absl::Seconds(20), &error);
    ASSERT_TRUE(socket.ok()) << socket.status();
    silent.push_back(*std::move(socket));
  }
  // Accepted in this order: the first are kept, and the others closed.
  for (size_t i = 8; i < silent.size(); ++i) {
    char byte;
    pollfd end{.fd = silent[i].get(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(poll(&end, 1, 20'000), 1) << i;
    EXPECT_EQ(recv(silent[i].get(), &byte, 1, 0), 0) << i;
  }
  pollfd kept{.fd = silent[0].get(), .events = POLLRDHUP, .revents = 0};
  EXPECT_EQ(poll(&kept, 1, 0), 0);
  EXPECT_EQ(TryEcho(TestStub(MakeChannel())).code(), absl::StatusCode::kUnavailable);
  ExpectEcho(stub, "still here");
  silent.clear();
}

TEST_P(UserLimitsTest, CallsBeyondTheLimitAreToldSo) {
  Serve({.max_calls = 2});
  const TestStub stub(MakeChannel());
  const TestStub other(MakeChannel());
  ClientContext contexts[2];
  BlockRequest request;
  request.set_gate("gate");
  EchoReply replies[2];
  Event done;
  for (int i = 0; i < 2; ++i) {
    stub.Async().Block(contexts[i], request, replies[i], [&](absl::Status status) {
      EXPECT_TRUE(status.ok()) << status;
      done.Happen();
    });
  }
  ASSERT_TRUE(service_.AwaitArrivals("gate", 2));
  ExpectExhausted(TryEcho(stub), "has 2 calls in flight");
  ExpectExhausted(TryEcho(other), "has 2 calls in flight");
  ClientContext context;
  auto chat = other.Chat(context);
  ExpectExhausted(chat.Finish(), "has 2 calls in flight");
  EXPECT_EQ(service_.echoes(), 0);
  service_.Open("gate");
  EXPECT_TRUE(done.Await(2));
  EXPECT_TRUE(AnsweredWithin(other, kPatience));
}

// Requests that wait for their handlers to end.
TEST_P(UserLimitsTest, RequestsBeyondTheLimitOfBytesAreToldSo) {
  Serve({.max_bytes = 250'000});
  const TestStub stub(MakeChannel());
  EchoRequest request;
  EchoReply reply;
  for (const size_t bytes : {1'000, 40'000, 200'000}) {
    request.set_text(std::string(bytes, 'x'));
    ClientContext context;
    const absl::Status status = stub.Echo(context, request, reply);
    EXPECT_TRUE(status.ok()) << status;
  }
  request.set_text(std::string(300'000, 'x'));
  ClientContext context;
  ExpectExhausted(stub.Echo(context, request, reply), "250000 bytes");
  ClientContext held_context;
  BlockRequest held;
  held.set_gate("gate" + std::string(180'000, 'x'));
  EchoReply held_reply;
  Event done;
  stub.Async().Block(held_context, held, held_reply, [&](absl::Status status) {
    EXPECT_TRUE(status.ok()) << status;
    done.Happen();
  });
  ASSERT_TRUE(service_.AwaitArrivals(held.gate(), 1));
  request.set_text(std::string(100'000, 'x'));
  ClientContext second_context;
  ExpectExhausted(stub.Echo(second_context, request, reply), "250000 bytes");
  ExpectEcho(stub, "small");
  service_.Open(held.gate());
  EXPECT_TRUE(done.Await());
  // What a call held counts for a moment longer than its client sees the call.
  const absl::Time give_up = absl::Now() + kPatience;
  absl::Status status = absl::UnknownError("");
  while (!status.ok() && absl::Now() < give_up) {
    ClientContext third_context;
    status = stub.Echo(third_context, request, reply);
  }
  EXPECT_TRUE(status.ok()) << status;
}

// Answers that wait for their client are not too many because others of the user's bytes leave them no room: handlers
// wait with theirs until some have been taken.
TEST_P(UserLimitsTest, AnswersBeyondTheLimitOfBytesWaitForTheirClient) {
  if (GetParam().transport == Transport::kGrpc) GTEST_SKIP() << "the library keeps them";
  Serve({.max_bytes = 20'000});
  const TestStub stub(MakeChannel());
  ClientContext first_context;
  const EchoRequest first_request;
  EchoReply first_reply;
  Event reading;
  Event read_on;
  stub.Async().Echo(first_context, first_request, first_reply, [&](absl::Status status) {
    EXPECT_TRUE(status.ok()) << status;
    reading.Happen();
    EXPECT_TRUE(read_on.Await());  // and nobody reads the connection meanwhile
  });
  ASSERT_TRUE(reading.Await());
  constexpr int kCalls = 20;
  ClientContext contexts[kCalls];
  EchoReply replies[kCalls];
  InflateRequest request;
  request.set_bytes(30'000);
  Event done;
  for (int i = 0; i < kCalls; ++i) {
    stub.Async().Inflate(contexts[i], request, replies[i], [&](absl::Status status) {
      EXPECT_TRUE(status.ok()) << status;
      done.Happen();
    });
  }
  // More than find room in the socket.
  ASSERT_TRUE(service_.AwaitArrivals("Inflate", 6));
  read_on.Happen();
  EXPECT_TRUE(done.Await(kCalls));
}

// Messages of streams that no handler reads.
TEST_P(UserLimitsTest, UnreadMessagesBeyondTheLimitOfBytesEndTheirStreams) {
  if (GetParam().transport == Transport::kGrpc) GTEST_SKIP() << "the library keeps them, and reads no more";
  Serve({.max_bytes = 150'000});
  const TestStub stub(MakeChannel());
  EchoRequest request;
  request.set_text(std::string(30'000, 'x'));
  std::vector<std::unique_ptr<ClientContext>> contexts;
  std::vector<ClientReaderWriter<EchoRequest, EchoReply>> streams;
  for (int i = 0; i < 4; ++i) {
    contexts.push_back(std::make_unique<ClientContext>());
    streams.push_back(stub.Hold(*contexts.back()));
    EXPECT_TRUE(streams.back().Write(request));
    EXPECT_TRUE(streams.back().Write(request));
  }
  ASSERT_TRUE(service_.AwaitArrivals("gate", 4));
  ExpectEcho(stub, "small");  // behind those messages
  service_.Open("gate");
  int exhausted = 0;
  for (auto& stream : streams) {
    stream.WritesDone();
    EchoReply reply;
    while (stream.Read(reply)) continue;
    const absl::Status status = stream.Finish();
    if (!status.ok()) ExpectExhausted(status, "150000 bytes");
    exhausted += !status.ok();
  }
  EXPECT_GE(exhausted, 1);
  EXPECT_LE(exhausted, 3);
  ExpectEcho(stub, "still here");
}

TEST(UserLimits, MustBePositive) {
  const std::vector<ServerOptions> bad{{.user_limits = {.max_connections = 0}},
                                       {.user_limits = {.max_calls = -1}},
                                       {.user_limits = {.max_bytes = 0}},
                                       {.user_limits_of = {{1, {.max_calls = 0}}}}};
  for (const ServerOptions& options : bad) {
    ServerBuilder builder(options);
    builder.AddUnnamedEndpoint(AllTransports());
    EXPECT_EQ(builder.Start().status().code(), absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace udsrpc::testing

// Connections without an endpoint's name: both ends of a socketpair(2).

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/integration/combinations.h"
#include "tests/support/child_process.h"
#include "tests/support/event.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc::testing {
namespace {

using ::testing::HasSubstr;

struct SocketPair {
  int client;
  int server;
};

class UnnamedEndpointTest : public ::testing::TestWithParam<Transport> {
 protected:
  static int TypeOf(Transport transport) { return transport == Transport::kGrpc ? SOCK_STREAM : SOCK_SEQPACKET; }

  static SocketPair MakeSocketPair(int type) {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, type, 0, fds), 0);
    return {.client = fds[0], .server = fds[1]};
  }
  static SocketPair MakeSocketPair() { return MakeSocketPair(TypeOf(GetParam())); }

  void Serve(EndpointOptions options = AllTransports()) {
    ServerBuilder builder;
    builder.AddUnnamedEndpoint(std::move(options)).RegisterService(&service_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    EXPECT_TRUE(server_->endpoints().empty());
  }

  // A channel whose other end the server has.
  std::shared_ptr<Channel> Connect() {
    const SocketPair pair = MakeSocketPair();
    const absl::Status added = server_->AddConnection(UniqueFd(pair.server));
    EXPECT_TRUE(added.ok()) << added;
    const auto channel = CreateChannelFromFd(UniqueFd(pair.client), {.transport = GetParam()});
    EXPECT_TRUE(channel.ok()) << channel.status();
    EXPECT_EQ((*channel)->target(), absl::StrCat("fd:", pair.client));
    EXPECT_EQ((*channel)->transport(), GetParam());
    return *channel;
  }

  static bool IsClosed(int fd) { return fcntl(fd, F_GETFD) < 0; }

  TestServiceImpl service_;
  std::unique_ptr<Server> server_;
};

INSTANTIATE_TEST_SUITE_P(All, UnnamedEndpointTest, OneByOne(), TransportTestName);

TEST_P(UnnamedEndpointTest, CallsOfAllKindsAreMade) {
  Serve();
  const TestStub stub(Connect());
  ExpectEcho(stub, "hello");
  ClientContext collect_context;
  CollectReply collected;
  auto collect = stub.Collect(collect_context, collected);
  EchoRequest request;
  request.set_text(std::string(300'000, 'x'));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(collect.Write(request));
  EXPECT_TRUE(collect.WritesDone());
  const absl::Status status = collect.Finish();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(collected.bytes(), 900'000U);
  ClientContext context;
  EchoReply reply;
  Event done;
  request.set_text("later");
  stub.Async().Echo(context, request, reply, [&](absl::Status s) {
    EXPECT_TRUE(s.ok()) << s;
    done.Happen();
  });
  EXPECT_TRUE(done.Await());
  EXPECT_EQ(reply.text(), "later");
  context.Cancel();
}

TEST_P(UnnamedEndpointTest, ManyConnectionsAreServed) {
  Serve();
  std::vector<TestStub> stubs;
  for (int i = 0; i < 20; ++i) stubs.emplace_back(Connect());
  for (int round = 0; round < 3; ++round) {
    for (const TestStub& stub : stubs) ExpectEcho(stub, absl::StrCat(round));
  }
}

TEST_P(UnnamedEndpointTest, CallsMayComeBeforeTheServerHasTheConnection) {
  Serve();
  const SocketPair pair = MakeSocketPair();
  const auto channel = CreateChannelFromFd(UniqueFd(pair.client), {.transport = GetParam()});
  ASSERT_TRUE(channel.ok()) << channel.status();
  const TestStub stub(*channel);
  ClientContext context;
  const EchoRequest request;
  EchoReply reply;
  Event done;
  stub.Async().Echo(context, request, reply, [&](absl::Status s) {
    EXPECT_TRUE(s.ok()) << s;
    done.Happen();
  });
  EXPECT_TRUE(server_->AddConnection(UniqueFd(pair.server)).ok());
  EXPECT_TRUE(done.Await());
}

TEST_P(UnnamedEndpointTest, TheEndIsTheEnd) {
  Serve();
  const TestStub stub(Connect());
  ExpectEcho(stub, "hello");
  server_.reset();
  for (const bool wait_for_ready : {false, true}) {
    ClientContext context;
    context.set_timeout(kPatience);
    context.set_wait_for_ready(wait_for_ready);
    EchoReply reply;
    const absl::Status status = stub.Echo(context, EchoRequest(), reply);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  }
  const absl::Status status = TryEcho(stub);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no address to connect to again"));
}

TEST_P(UnnamedEndpointTest, ShutdownLetsRunningCallsEnd) {
  Serve();
  const TestStub stub(Connect());
  ClientContext context;
  BlockRequest request;
  request.set_gate("gate");
  EchoReply reply;
  Event done;
  stub.Async().Block(context, request, reply, [&](absl::Status s) {
    EXPECT_TRUE(s.ok()) << s;
    done.Happen();
  });
  ASSERT_TRUE(service_.AwaitArrivals("gate", 1));
  std::thread opener([&] {
    // Not before the shutdown has begun.
    absl::Status status;
    while (status.ok()) {
      const SocketPair pair = MakeSocketPair();
      close(pair.client);
      status = server_->AddConnection(UniqueFd(pair.server));
    }
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    service_.Open("gate");
  });
  server_->Shutdown();
  opener.join();
  EXPECT_TRUE(done.Await());
  const SocketPair pair = MakeSocketPair();
  EXPECT_EQ(server_->AddConnection(UniqueFd(pair.server)).code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(IsClosed(pair.server));
  close(pair.client);
}

TEST_P(UnnamedEndpointTest, TheTransportIsThatOfTheSocket) {
  Serve();
  const SocketPair pair = MakeSocketPair();
  const Transport other = GetParam() == Transport::kGrpc ? Transport::kSeqpacket : Transport::kGrpc;
  EXPECT_EQ(CreateChannelFromFd(UniqueFd(pair.client), {.transport = other}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(IsClosed(pair.client));
  close(pair.server);
  const SocketPair second = MakeSocketPair();
  EXPECT_TRUE(server_->AddConnection(UniqueFd(second.server)).ok());
  const auto channel = CreateChannelFromFd(UniqueFd(second.client), {.transport = Transport::kAuto});
  ASSERT_TRUE(channel.ok()) << channel.status();
  EXPECT_EQ((*channel)->transport(), GetParam());
  ExpectEcho(TestStub(*channel), "hello");
}

TEST_P(UnnamedEndpointTest, OnlyConnectedUnixSocketsAreTaken) {
  Serve();
  std::vector<int> bad;
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  bad.insert(bad.end(), {pipes[0], pipes[1]});
  bad.push_back(socket(AF_INET, SOCK_STREAM, 0));
  bad.push_back(socket(AF_UNIX, TypeOf(GetParam()), 0));
  const SocketPair datagrams = MakeSocketPair(SOCK_DGRAM);
  bad.insert(bad.end(), {datagrams.client, datagrams.server});
  for (const int fd : bad) {
    EXPECT_EQ(server_->AddConnection(UniqueFd(dup(fd))).code(), absl::StatusCode::kInvalidArgument) << fd;
    const absl::Status status = CreateChannelFromFd(UniqueFd(fd), {.transport = GetParam()}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << fd;
    EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat("descriptor ", fd)));
    EXPECT_TRUE(IsClosed(fd));
  }
  EXPECT_EQ(server_->AddConnection(UniqueFd(-1)).code(), absl::StatusCode::kInvalidArgument);
  const SocketPair pair = MakeSocketPair();
  const absl::Status status =
      CreateChannelFromFd(UniqueFd(pair.client), {.transport = GetParam(), .local_address = "unix-abstract:x"})
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("local_address"));
  close(pair.server);
}

TEST_P(UnnamedEndpointTest, UsersLimitsHoldAndThoseThatAreNotNamedAreRefused) {
  ServerBuilder builder({.user_limits_of = {{geteuid(), {.max_connections = 2}}}});
  builder.AddUnnamedEndpoint(AllTransports()).RegisterService(&service_);
  auto server = builder.Start();
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  const TestStub first(Connect());
  auto second = std::make_unique<TestStub>(Connect());
  ExpectEcho(first, "first");
  const SocketPair third = MakeSocketPair();
  EXPECT_EQ(server_->AddConnection(UniqueFd(third.server)).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(IsClosed(third.server));
  close(third.client);
  ExpectEcho(*second, "second");
  second.reset();
  // Over gRPC the former one's number is not free for 5 s.
  const absl::Time give_up = absl::Now() + kPatience;
  absl::Status status = absl::UnknownError("");
  while (!status.ok() && absl::Now() < give_up) {
    const SocketPair pair = MakeSocketPair();
    status = server_->AddConnection(UniqueFd(pair.server));
    close(pair.client);
    if (!status.ok()) absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_TRUE(status.ok()) << status;
  ExpectEcho(first, "still here");
}

// Deadlines, cancellation and limits, which over gRPC are those of another kind of channel than usual.
TEST_P(UnnamedEndpointTest, CallsEndAsOnAnyChannel) {
  Serve();
  const SocketPair pair = MakeSocketPair();
  ASSERT_TRUE(server_->AddConnection(UniqueFd(pair.server)).ok());
  const auto channel =
      CreateChannelFromFd(UniqueFd(pair.client), {.transport = GetParam(), .max_receive_message_bytes = 100'000});
  ASSERT_TRUE(channel.ok()) << channel.status();
  const TestStub stub(*channel);
  BlockRequest block;
  block.set_gate("gate");
  EchoReply reply;
  ClientContext late;
  late.set_timeout(absl::Milliseconds(200));
  EXPECT_EQ(stub.Block(late, block, reply).code(), absl::StatusCode::kDeadlineExceeded);
  ClientContext cancelled;
  std::thread canceller([&] {
    EXPECT_TRUE(service_.AwaitArrivals("gate", 2));
    cancelled.Cancel();
  });
  EXPECT_EQ(stub.Block(cancelled, block, reply).code(), absl::StatusCode::kCancelled);
  canceller.join();
  EXPECT_TRUE(service_.AwaitCancelled("gate", 2));
  ClientContext large;
  InflateRequest inflate;
  inflate.set_bytes(200'000);
  EXPECT_EQ(stub.Inflate(large, inflate, reply).code(), absl::StatusCode::kResourceExhausted);
  ExpectEcho(stub, "still here");
}

TEST_P(UnnamedEndpointTest, AServerWithoutSuchAnEndpointTakesNone) {
  ServerBuilder builder;
  builder.AddAutobindEndpoint(AllTransports()).RegisterService(&service_);
  const auto server = builder.Start();
  ASSERT_TRUE(server.ok()) << server.status();
  const SocketPair pair = MakeSocketPair();
  EXPECT_EQ((*server)->AddConnection(UniqueFd(pair.server)).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(IsClosed(pair.server));
  close(pair.client);
}

TEST_P(UnnamedEndpointTest, ATransportThatIsNotOfferedIsRefused) {
  if (!kWithGrpc) GTEST_SKIP() << "needs both transports";
  const bool over_grpc = GetParam() == Transport::kGrpc;
  Serve({.grpc = !over_grpc, .seqpacket = over_grpc});
  const SocketPair pair = MakeSocketPair();
  EXPECT_EQ(server_->AddConnection(UniqueFd(pair.server)).code(), absl::StatusCode::kFailedPrecondition);
  close(pair.client);
}

#ifdef UDSRPC_TEST_CLIENT
// A child without any name to connect to.
TEST_P(UnnamedEndpointTest, AChildCallsOverWhatItHasInherited) {
  Serve();
  const SocketPair pair = MakeSocketPair();
  ASSERT_TRUE(server_->AddConnection(UniqueFd(pair.server)).ok());
  ChildProcess child({UDSRPC_TEST_CLIENT, absl::StrCat("fd:", pair.client), std::string(TransportName(GetParam()))});
  close(pair.client);
  EXPECT_EQ(child.ReadLine(), "OK");
  EXPECT_EQ(child.Wait(), 0);
}
#endif

}  // namespace
}  // namespace udsrpc::testing

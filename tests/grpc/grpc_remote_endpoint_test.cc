// Leaving the host: ports that are listened on, and how a server with some ends.

#include <arpa/inet.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "tests/grpc/grpc_remote_fixture.h"
#include "tests/support/event.h"
#include "tests/support/grpc_tls.h"
#include "tests/support/test_service.h"
#include "udsrpc/async_client.h"
#include "udsrpc/channel.h"
#include "udsrpc/grpc_credentials.h"
#include "udsrpc/grpc_server_credentials.h"
#include "udsrpc/server.h"

namespace udsrpc::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

using GrpcRemoteEndpointTest = GrpcRemoteTest;

TEST_F(GrpcRemoteEndpointTest, APortIsOneServersUntilItEnds) {
  Serve({});
  const std::string port = target_.substr(target_.rfind(':'));
  const absl::Status second =
      ServerBuilder().AddRemoteEndpoint(absl::StrCat("localhost", port), TlsServer()).Start().status();
  EXPECT_EQ(second.code(), absl::StatusCode::kAlreadyExists) << second;
  EXPECT_THAT(TextOf(second), StartsWith(target_));
  const std::shared_ptr<Channel> channel = Connect();
  ExpectEcho(channel);
  server_.reset();
  EXPECT_EQ(TryEcho(channel).code(), absl::StatusCode::kUnavailable);
  Serve({.address = absl::StrCat("localhost", port)});
  ClientContext context;
  context.set_timeout(kPatience);
  context.set_wait_for_ready(true);
  EchoReply reply;
  const absl::Status again = TestStub(channel).Echo(context, EchoRequest(), reply);
  EXPECT_TRUE(again.ok()) << again;
}

TEST_F(GrpcRemoteEndpointTest, AddressesThatCannotBeListenedOnAreRefusedAndSayWhy) {
  const struct {
    const char* address;
    const char* says;
  } cases[] = {
      {"192.0.2.1:0", "one of this host"},
      {"no-such-host.invalid:0", "no-such-host.invalid"},
      {"unix:/x", "AddEndpoint"},
      {"localhost", "port"},
      {"", "host"},
  };
  for (const auto& c : cases) {
    const absl::Status status = Start({.address = c.address}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_THAT(TextOf(status), HasSubstr(c.says));
  }
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back({"no key", "no certificate"});
  const absl::Status status = Start({.credentials = GrpcCredentials(grpc::SslServerCredentials(options))}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(TextOf(status), HasSubstr("certificate"));
}

TEST_F(GrpcRemoteEndpointTest, AServerMayHaveRemoteEndpointsAlone) {
  ServerBuilder builder;
  builder.AddRemoteEndpoint("127.0.0.1:0", TlsServer()).AddRemoteEndpoint("localhost:0", TlsServer());
  absl::StatusOr<std::unique_ptr<Server>> server = builder.RegisterService(&service_).Start();
  ASSERT_TRUE(server.ok()) << server.status();
  ASSERT_THAT((*server)->endpoints(), SizeIs(2));
  for (const std::string& target : (*server)->endpoints()) {
    target_ = target;
    ExpectEcho(Connect());
  }
}

TEST_F(GrpcRemoteEndpointTest, ShutdownLetsCallsEndAndTakesNoMore) {
  Serve({});
  const std::shared_ptr<Channel> channel = Connect();
  BlockRequest request;
  request.set_gate("gate");
  ClientContext context;
  EchoReply reply;
  Event ended;
  absl::Status status;
  TestStub(channel).Async().Block(context, request, reply, [&](absl::Status result) {
    status = std::move(result);
    ended.Happen();
  });
  ASSERT_TRUE(service_.AwaitArrivals("gate", 1));
  std::thread stopper([this] { server_->Shutdown(absl::Now() + kPatience); });
  const absl::Time give_up = absl::Now() + kPatience;
  while (TryEcho(Connect()).ok() && absl::Now() < give_up) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_EQ(TryEcho(Connect()).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ended.times(), 0);
  service_.Open("gate");
  EXPECT_TRUE(ended.Await());
  EXPECT_TRUE(status.ok()) << status;
  stopper.join();
}

TEST_F(GrpcRemoteEndpointTest, ShutdownCancelsWhatRunsAtItsDeadline) {
  Serve({});
  const std::shared_ptr<Channel> channel = Connect();
  BlockRequest request;
  request.set_gate("gate");
  ClientContext context;
  EchoReply reply;
  Event ended;
  TestStub(channel).Async().Block(context, request, reply, [&](absl::Status status) {
    EXPECT_FALSE(status.ok());
    ended.Happen();
  });
  ASSERT_TRUE(service_.AwaitArrivals("gate", 1));
  server_->Shutdown(absl::Now());
  EXPECT_TRUE(service_.AwaitCancelled("gate", 1));
  EXPECT_TRUE(ended.Await());
}

// Until the address of the client's end has changed, so that there has been another connection.
TEST_F(GrpcRemoteEndpointTest, ConnectionsEndByIdlenessAndAge) {
  for (const ServerOptions& options : {ServerOptions{.max_connection_idle = absl::Milliseconds(20)},
                                       ServerOptions{.max_connection_age = absl::Milliseconds(50)}}) {
    Serve({.server = options});
    const std::shared_ptr<Channel> channel = Connect();
    std::map<std::string, int> addresses;
    const absl::Time give_up = absl::Now() + kPatience;
    while (addresses.size() < 2 && absl::Now() < give_up) {
      TryEcho(channel).IgnoreError();  // one in the very moment may fail, as gRPC 1.51 has it
      for (const SeenPeer& peer : TakeSeen()) ++addresses[peer.address];
      absl::SleepFor(absl::Milliseconds(100));  // idle, for so long
    }
    EXPECT_GE(addresses.size(), 2U);
    server_.reset();
  }
}

// The port is not handed over: while both serve, each of them gets some of the connections.
TEST_F(GrpcRemoteEndpointTest, ASuccessorListensOnThePortBesideTheServerThatItTakesOverFrom) {
  const std::string address = absl::StrCat("localhost:", PortForAServer());
  Serve({.address = address, .takeover = dir_.File("t")});
  const std::shared_ptr<Channel> remote = Connect();
  const std::shared_ptr<Channel> local = *CreateChannel(unix_target_);
  ExpectEcho(remote);
  ExpectEcho(local);
  absl::StatusOr<std::unique_ptr<Server>> successor = Start({.address = address, .takeover = dir_.File("t")});
  ASSERT_TRUE(successor.ok()) << successor.status();
  // A client of the host's learns of the successor with an answer.
  Event ended;
  std::thread waiter([&] {
    EXPECT_EQ(server_->Wait(), Server::End::kTakenOver);
    ended.Happen();
  });
  const absl::Time give_up = absl::Now() + kPatience;
  while (ended.times() == 0 && absl::Now() < give_up) ExpectEcho(local);
  waiter.join();
  server_ = *std::move(successor);
  ClientContext context;
  context.set_timeout(kPatience);
  context.set_wait_for_ready(true);
  EchoReply reply;
  const absl::Status status = TestStub(remote).Echo(context, EchoRequest(), reply);
  EXPECT_TRUE(status.ok()) << status;
  ExpectEcho(local);
}

// Whoever connects and says nothing, or no TLS, harms nobody.
TEST_F(GrpcRemoteEndpointTest, GarbageHarmsNobody) {
  Serve({.address = "127.0.0.1:0"});
  const int port = atoi(target_.substr(target_.rfind(':') + 1).c_str());
  std::vector<UniqueFd> sockets;
  for (const std::string& sent : {std::string(), std::string(1000, '\xff'), std::string("PRI * HTTP/2.0\r\n\r\n")}) {
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(send(socket.get(), sent.data(), sent.size(), MSG_NOSIGNAL), static_cast<ssize_t>(sent.size()));
    sockets.push_back(std::move(socket));
  }
  ExpectEcho(Connect());
}

}  // namespace
}  // namespace udsrpc::testing

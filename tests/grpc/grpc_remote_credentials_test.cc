// Leaving the host: who is called, who calls, and what those may who are nobody of this host.

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
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

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::StartsWith;

using GrpcRemoteCredentialsTest = GrpcRemoteTest;

TEST_F(GrpcRemoteCredentialsTest, AServerOfAnotherAuthorityIsSentNothing) {
  Serve({});
  const absl::Status status = TryEcho(Connect({.credentials = TlsClient(MakeCertificates())}));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(TextOf(status), AllOf(StartsWith(absl::StrCat(target_, ": cannot connect")), HasSubstr("authority")));
  EXPECT_EQ(service_.echoes(), 0);
  ExpectEcho(Connect());
}

TEST_F(GrpcRemoteCredentialsTest, AServerOfAnotherNameIsSentNothing) {
  Serve({.address = "127.0.0.2:0"});
  const absl::Status status = TryEcho(Connect());
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(TextOf(status), StartsWith(absl::StrCat(target_, ": cannot connect")));
  EXPECT_EQ(service_.echoes(), 0);
}

TEST_F(GrpcRemoteCredentialsTest, AClientWithoutTlsIsNotServed) {
  Serve({});
  const absl::Status status = TryEcho(Connect({.credentials = GrpcCredentials(grpc::InsecureChannelCredentials())}));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(TextOf(status), HasSubstr(target_));
  EXPECT_EQ(service_.echoes(), 0);
}

TEST_F(GrpcRemoteCredentialsTest, WhereNobodyListensOrTheNameIsNoneTheMessageNamesTheTarget) {
  target_ = absl::StrCat("ipv4:127.0.0.1:", PortForAServer());
  for (const std::string& target : {target_, std::string("dns:///no-such-host.invalid:443")}) {
    target_ = target;
    const absl::Status status = TryEcho(Connect());
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_THAT(TextOf(status), StartsWith(absl::StrCat(target, ": cannot connect")));
  }
}

TEST_F(GrpcRemoteCredentialsTest, NothingIsRemoteWithoutCredentials) {
  for (const char* target : {"dns:///localhost:1", "dns:localhost:1", "ipv4:127.0.0.1:1", "ipv6:[::1]:1"}) {
    const absl::Status status = CreateChannel(target).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_THAT(TextOf(status), AllOf(StartsWith(target), HasSubstr("ChannelOptions::credentials"))) << target;
  }
  EXPECT_EQ(GrpcCredentials(std::shared_ptr<grpc::ChannelCredentials>()), nullptr);
  EXPECT_EQ(GrpcCredentials(std::shared_ptr<grpc::ServerCredentials>()), nullptr);
  const absl::Status status = Start({.credentials = nullptr}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(TextOf(status), AllOf(StartsWith("dns:///localhost:0"), HasSubstr("needs credentials")));
  const absl::Status as_unix = ServerBuilder().AddEndpoint("dns:///localhost:0").Start().status();
  EXPECT_EQ(as_unix.code(), absl::StatusCode::kInvalidArgument) << as_unix;
  EXPECT_THAT(TextOf(as_unix), HasSubstr("AddRemoteEndpoint"));
}

TEST_F(GrpcRemoteCredentialsTest, WhatIsAboutUnixSocketsIsRefused) {
  const std::pair<const char*, ChannelOptions> cases[] = {
      {"kAuto", {.transport = Transport::kSeqpacket}},
      {"local_address", {.local_address = "unix:/x"}},
      {"server_uids", {.server_uids = {0}}},
      {"max_receive_fds", {.max_receive_fds = 1}},
  };
  for (auto [says, options] : cases) {
    options.credentials = TlsClient();
    const absl::Status status = CreateChannel("dns:///localhost:1", options).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_THAT(TextOf(status), AllOf(StartsWith("dns:///localhost:1"), HasSubstr(says)));
  }
}

TEST_F(GrpcRemoteCredentialsTest, InsecureCredentialsAreForWhoeverAsksForThem) {
  Serve({.credentials = GrpcCredentials(grpc::InsecureServerCredentials()), .address = "127.0.0.1:0"});
  EXPECT_THAT(target_, StartsWith("ipv4:127.0.0.1:"));
  ExpectEcho(Connect({.credentials = GrpcCredentials(grpc::InsecureChannelCredentials())}));
  const std::vector<SeenPeer> seen = TakeSeen();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_TRUE(seen[0].remote);
  EXPECT_FALSE(seen[0].credentials.authenticated);
  EXPECT_THAT(seen[0].credentials.names, IsEmpty());
}

TEST_F(GrpcRemoteCredentialsTest, ACallerByLocalCredentialsHasProvedNothing) {
  Serve({.credentials = GrpcCredentials(grpc::experimental::LocalServerCredentials(LOCAL_TCP)),
         .address = "127.0.0.1:0"});
  ExpectEcho(Connect({.credentials = GrpcCredentials(grpc::experimental::LocalCredentials(LOCAL_TCP))}));
  const std::vector<SeenPeer> seen = TakeSeen();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_FALSE(seen[0].credentials.authenticated);
  EXPECT_THAT(seen[0].credentials.names, IsEmpty());
  EXPECT_THAT(seen[0].credentials.properties, Contains(Pair("transport_security_type", "local")));
}

TEST_F(GrpcRemoteCredentialsTest, ARemoteCallerIsNoUserOfThisHost) {
  Serve({});
  ExpectEcho(Connect());
  ExpectEcho(*CreateChannel(unix_target_));
  const std::vector<SeenPeer> seen = TakeSeen();
  ASSERT_THAT(seen, SizeIs(2));
  EXPECT_TRUE(seen[0].remote);
  EXPECT_FALSE(seen[0].credentials.authenticated);
  EXPECT_THAT(seen[0].credentials.properties, Contains(Pair("transport_security_type", "ssl")));
  EXPECT_TRUE(absl::StartsWith(seen[0].address, "ipv4:127.0.0.1:") || absl::StartsWith(seen[0].address, "ipv6:[::1]:"))
      << seen[0].address;
  EXPECT_EQ(seen[0].endpoint, "");
  EXPECT_EQ(seen[0].pid, 0);
  EXPECT_EQ(seen[0].uid, Peer::kNoUid);
  EXPECT_EQ(seen[0].gid, Peer::kNoGid);
  EXPECT_EQ(seen[0].pidfd, -1);
  EXPECT_FALSE(seen[0].in_group_0);
  EXPECT_FALSE(seen[1].remote);
  EXPECT_EQ(seen[1].pid, getpid());
  EXPECT_EQ(seen[1].uid, geteuid());
}

TEST_F(GrpcRemoteCredentialsTest, ACertificateThatNobodyVerifiedProvesNothing) {
  grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
  options.pem_key_cert_pairs.push_back({TestCertificates().server_key, TestCertificates().server});
  Serve({.credentials = GrpcCredentials(grpc::SslServerCredentials(options))});
  ExpectEcho(Connect({.credentials = MutualTlsClient()}));
  const std::vector<SeenPeer> seen = TakeSeen();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_FALSE(seen[0].credentials.authenticated);
  EXPECT_THAT(seen[0].credentials.names, ::testing::IsEmpty());
  EXPECT_THAT(seen[0].credentials.properties, Contains(Pair("x509_common_name", "client.example")));
}

TEST_F(GrpcRemoteCredentialsTest, MutualTlsSaysWhoCalls) {
  Serve({.credentials = TlsServer(/*demands_client=*/true)});
  ExpectEcho(Connect({.credentials = MutualTlsClient()}));
  const std::vector<SeenPeer> seen = TakeSeen();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_TRUE(seen[0].credentials.authenticated);
  EXPECT_THAT(seen[0].credentials.names, ElementsAre("client.example"));
  EXPECT_THAT(seen[0].credentials.properties, Contains(Pair("x509_common_name", "client.example")));
  EXPECT_EQ(seen[0].uid, Peer::kNoUid);

  const absl::Status without = TryEcho(Connect());
  EXPECT_EQ(without.code(), absl::StatusCode::kUnavailable) << without;
  EXPECT_THAT(TextOf(without), HasSubstr(target_));
  EXPECT_EQ(service_.echoes(), 1);
}

TEST_F(GrpcRemoteCredentialsTest, MethodsThatAreForUsersRefuseRemoteCallersWhoeverTheyAre) {
  for (const MethodOptions& echo : {MethodOptions{.allowed_uids = {0}}, MethodOptions{.allowed_uids = {geteuid()}},
                                    MethodOptions{.allowed_uids = {Peer::kNoUid}, .allowed_gids = {Peer::kNoGid, 0}}}) {
    Serve({.credentials = TlsServer(/*demands_client=*/true), .echo = echo});
    const std::shared_ptr<Channel> remote = Connect({.credentials = MutualTlsClient()});
    const absl::Status refused = TryEcho(remote);
    EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied) << refused;
    EXPECT_THAT(TextOf(refused), AllOf(StartsWith(kRemoteEcho), HasSubstr("not for remote callers")));
    EXPECT_THAT(TakeSeen(), IsEmpty()) << "an interceptor has seen a call that was refused";
    ExpectEcho(*CreateChannel(unix_target_));
    ClientContext context;
    LookReply reply;
    EXPECT_TRUE(TestStub(remote).Look(context, LookRequest(), reply).ok()) << "other methods are for everybody";
    TakeSeen();
    server_.reset();
  }
}

TEST_F(GrpcRemoteCredentialsTest, AllRemoteCallersTogetherHaveTheLimitsOfOneUser) {
  Serve({.server = {.remote_limits = {.max_calls = 2}}});
  const std::shared_ptr<Channel> channels[] = {Connect(), Connect()};
  BlockRequest request;
  request.set_gate("gate");
  ClientContext contexts[2];
  EchoReply replies[2];
  Event ended;
  for (int i = 0; i < 2; ++i) {
    TestStub(channels[i]).Async().Block(contexts[i], request, replies[i], [&ended](absl::Status status) {
      EXPECT_TRUE(status.ok()) << status;
      ended.Happen();
    });
  }
  ASSERT_TRUE(service_.AwaitArrivals("gate", 2));
  const absl::Status beyond = TryEcho(channels[0]);
  EXPECT_EQ(beyond.code(), absl::StatusCode::kResourceExhausted) << beyond;
  EXPECT_THAT(TextOf(beyond), HasSubstr("all remote callers together have 2 calls"));
  ExpectEcho(*CreateChannel(unix_target_));
  service_.Open("gate");
  EXPECT_TRUE(ended.Await(2));
}

TEST_F(GrpcRemoteCredentialsTest, TheBytesKeptForRemoteCallersAreLimited) {
  Serve({.server = {.remote_limits = {.max_bytes = 100000}}});
  const std::shared_ptr<Channel> channel = Connect();
  const absl::Status beyond = TryEcho(channel, std::string(200000, 'x'));
  EXPECT_EQ(beyond.code(), absl::StatusCode::kResourceExhausted) << beyond;
  EXPECT_THAT(TextOf(beyond), HasSubstr("the messages of all remote callers"));
  ExpectEcho(channel);
}

}  // namespace
}  // namespace udsrpc::testing

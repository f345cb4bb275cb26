// Leaving the host: TCP ports beside Unix endpoints, with TLS and without.

#include <arpa/inet.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "tests/support/event.h"
#include "tests/support/grpc_tls.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_service.h"
#include "udsrpc/async_client.h"
#include "udsrpc/channel.h"
#include "udsrpc/grpc_credentials.h"
#include "udsrpc/grpc_server_credentials.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/server.h"
#include "udsrpc/server_interceptor.h"

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

constexpr char kEcho[] = "/udsrpc.testing.Test/Echo";

std::string TextOf(const absl::Status& status) { return std::string(status.message()); }

// What a handler is told of its caller.
struct SeenPeer {
  bool remote = false;
  Peer::Remote credentials;
  std::string address;
  std::string endpoint;
  pid_t pid = -2;
  uid_t uid = 0;
  gid_t gid = 0;
  int pidfd = -2;
  bool in_group_0 = false;
};

class SeenPeerInterceptor final : public ServerInterceptor {
 public:
  explicit SeenPeerInterceptor(std::function<void(SeenPeer)> see) : see_(std::move(see)) {}
  absl::Status OnStart(ServerContext& context, Metadata& /*metadata*/) override {
    const Peer& peer = context.peer();
    see_({.remote = peer.remote() != nullptr,
          .credentials = peer.remote() != nullptr ? *peer.remote() : Peer::Remote(),
          .address = peer.address(),
          .endpoint = peer.endpoint(),
          .pid = peer.pid(),
          .uid = peer.uid(),
          .gid = peer.gid(),
          .pidfd = peer.pidfd(),
          .in_group_0 = peer.IsInGroup(0)});
    return absl::OkStatus();
  }

 private:
  const std::function<void(SeenPeer)> see_;
};

absl::Status TryEcho(const std::shared_ptr<Channel>& channel, const std::string& text = "") {
  ClientContext context;
  context.set_timeout(kPatience);
  EchoRequest request;
  EchoReply reply;
  request.set_text(text);
  absl::Status status = TestStub(channel).Echo(context, request, reply);
  if (status.ok()) {
    EXPECT_EQ(reply.text(), text);
  }
  return status;
}

void ExpectEcho(const std::shared_ptr<Channel>& channel, const std::string& text = "still well") {
  const absl::Status status = TryEcho(channel, text);
  EXPECT_TRUE(status.ok()) << status;
}

class GrpcRemoteTest : public ::testing::Test {
 protected:
  GrpcRemoteTest() : unix_target_(absl::StrCat("unix:", dir_.File("s"))) {
    // Where the environment names a proxy, loopback is no business of its.
    setenv("no_grpc_proxy", "localhost,127.0.0.1,::1", 1);
  }
  void TearDown() override {
    server_.reset();
    EXPECT_TRUE(dir_.IsEmpty()) << "a file is left in " << dir_.path();
  }

  struct Setup {
    std::shared_ptr<const ServerCredentials> credentials = TlsServer();
    std::string address = "localhost:0";
    ServerOptions server = {};
    MethodOptions echo = {};
    std::string takeover = {};
  };

  absl::StatusOr<std::unique_ptr<Server>> Start(Setup setup) {
    setup.server.interceptors.push_back([this](const MethodDescriptor&) {
      return std::make_unique<SeenPeerInterceptor>([this](SeenPeer peer) {
        internal::MutexLock lock(mutex_);
        seen_.push_back(std::move(peer));
      });
    });
    ServerBuilder builder(setup.server);
    builder.AddEndpoint(unix_target_).AddRemoteEndpoint(setup.address, setup.credentials);
    builder.RegisterService(&service_).SetMethodOptions(kEcho, setup.echo);
    if (!setup.takeover.empty()) builder.EnableTakeover(setup.takeover, {.drain_timeout = kPatience});
    return builder.Start();
  }
  void Serve(Setup setup) {
    absl::StatusOr<std::unique_ptr<Server>> server = Start(std::move(setup));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    ASSERT_THAT(server_->endpoints(), SizeIs(2));
    EXPECT_EQ(server_->endpoints()[0], unix_target_);
    target_ = server_->endpoints()[1];
  }

  std::shared_ptr<Channel> Connect(ChannelOptions options = {}) {
    if (options.credentials == nullptr) options.credentials = TlsClient();
    absl::StatusOr<std::shared_ptr<Channel>> channel = CreateChannel(target_, options);
    EXPECT_TRUE(channel.ok()) << channel.status();
    return *channel;
  }

  std::vector<SeenPeer> TakeSeen() {
    internal::MutexLock lock(mutex_);
    return std::exchange(seen_, {});
  }

  TempDir dir_;
  const std::string unix_target_;
  std::string target_;
  TestServiceImpl service_;
  std::unique_ptr<Server> server_;

 private:
  internal::Mutex mutex_;
  std::vector<SeenPeer> seen_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(GrpcRemoteTest, BothEndpointsServeAndTheTargetIsAllThatChanges) {
  Serve({});
  EXPECT_THAT(target_, StartsWith("dns:///localhost:"));
  EXPECT_NE(target_, "dns:///localhost:0");
  for (const Transport transport : {Transport::kGrpc, Transport::kAuto}) {
    const ChannelOptions options{.transport = transport, .credentials = TlsClient()};
    for (const std::string& target : server_->endpoints()) {
      absl::StatusOr<std::shared_ptr<Channel>> channel = CreateChannel(target, options);
      ASSERT_TRUE(channel.ok()) << channel.status();
      EXPECT_EQ((*channel)->target(), target);
      ExpectEcho(*channel, absl::StrCat("hello ", target));
      ExpectEcho(*channel, std::string(300000, 'x'));
    }
  }
  EXPECT_EQ(Connect({.transport = Transport::kAuto})->transport(), Transport::kGrpc);
}

TEST_F(GrpcRemoteTest, AllKindsOfCallsAreServed) {
  Serve({});
  const TestStub stub(Connect());
  {
    ClientContext context;
    context.set_timeout(kPatience);
    InflateRequest request;
    request.set_messages(3);
    request.set_bytes(10);
    ClientReader<EchoReply> reader = stub.Count(context, request);
    EchoReply reply;
    int messages = 0;
    while (reader.Read(reply)) ++messages;
    EXPECT_EQ(messages, 3);
    EXPECT_TRUE(reader.Finish().ok());
  }
  {
    ClientContext context;
    context.set_timeout(kPatience);
    CollectReply reply;
    auto writer = stub.Collect(context, reply);
    EchoRequest request;
    request.set_text("four");
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(writer.Write(request));
    EXPECT_TRUE(writer.WritesDone());
    EXPECT_TRUE(writer.Finish().ok());
    EXPECT_EQ(reply.messages(), 5U);
    EXPECT_EQ(reply.bytes(), 20U);
  }
  ClientContext context;
  context.set_timeout(kPatience);
  auto stream = stub.Chat(context);
  EchoRequest request;
  EchoReply reply;
  for (const char* text : {"one", "two"}) {
    request.set_text(text);
    EXPECT_TRUE(stream.Write(request));
    ASSERT_TRUE(stream.Read(reply));
    EXPECT_EQ(reply.text(), text);
  }
  request.set_text("abort");
  EXPECT_TRUE(stream.Write(request));
  EXPECT_FALSE(stream.Read(reply));
  EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kAborted);
}

TEST_F(GrpcRemoteTest, ACompletionGetsTheReply) {
  Serve({});
  const TestStub stub(Connect());
  ClientContext context;
  context.set_timeout(kPatience);
  EchoRequest request;
  EchoReply reply;
  request.set_text("later");
  Event done;
  absl::Status status;
  stub.Async().Echo(context, request, reply, [&](absl::Status result) {
    status = std::move(result);
    done.Happen();
  });
  ASSERT_TRUE(done.Await());
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(reply.text(), "later");
}

TEST_F(GrpcRemoteTest, StatusAndMetadataAreCarriedBothWays) {
  Serve({});
  const TestStub stub(Connect());
  {
    ClientContext context;
    FailRequest request;
    EchoReply reply;
    request.set_code(9);
    request.set_message("\t% wörds \n");
    auto& payload = *request.add_payloads();
    payload.set_key("type.googleapis.com/x.Y");
    payload.set_value(std::string("\0\xff", 2));
    absl::Status expected(absl::StatusCode::kFailedPrecondition, request.message());
    expected.SetPayload("type.googleapis.com/x.Y", absl::Cord(std::string("\0\xff", 2)));
    EXPECT_EQ(stub.Fail(context, request, reply), expected);
  }
  ClientContext context;
  ASSERT_TRUE(context.AddMetadata("some-bin", std::string("\0\x01\xff", 3)).ok());
  LookRequest request;
  LookReply reply;
  auto& first = *request.add_initial_metadata();
  first.set_key("first");
  first.set_value("a");
  auto& last = *request.add_trailing_metadata();
  last.set_key("last");
  last.set_value("z");
  const absl::Status status = stub.Look(context, request, reply);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(reply.metadata_size(), 1);
  EXPECT_EQ(reply.metadata(0).value(), std::string("\0\x01\xff", 3));
  EXPECT_THAT(context.server_initial_metadata(), ElementsAre(Pair("first", "a")));
  EXPECT_THAT(context.server_trailing_metadata(), ElementsAre(Pair("last", "z")));
}

TEST_F(GrpcRemoteTest, DeadlineAndCancelEndTheCallAndTheHandlerHearsOfIt) {
  Serve({});
  const TestStub stub(Connect());
  BlockRequest request;
  EchoReply reply;
  request.set_gate("deadline");
  ClientContext context;
  context.set_timeout(absl::Seconds(1));
  const absl::Status late = stub.Block(context, request, reply);
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded) << late;
  EXPECT_THAT(TextOf(late), HasSubstr(target_));
  EXPECT_TRUE(service_.AwaitCancelled("deadline", 1));

  request.set_gate("cancel");
  ClientContext cancelled;
  std::thread canceller([this, &cancelled] {
    EXPECT_TRUE(service_.AwaitArrivals("cancel", 1));
    cancelled.Cancel();
  });
  EXPECT_EQ(stub.Block(cancelled, request, reply).code(), absl::StatusCode::kCancelled);
  canceller.join();
  EXPECT_TRUE(service_.AwaitCancelled("cancel", 1));
}

TEST_F(GrpcRemoteTest, DescriptorsDoNotLeaveTheHost) {
  Serve({});
  ClientContext context;
  context.AttachFd(UniqueFd(dup(0)));
  EchoReply reply;
  EXPECT_EQ(TestStub(Connect()).Echo(context, EchoRequest(), reply).code(), absl::StatusCode::kFailedPrecondition);
  const std::shared_ptr<Channel> channel = Connect();
  ExpectEcho(channel);
}

TEST_F(GrpcRemoteTest, AServerOfAnotherAuthorityIsSentNothing) {
  Serve({});
  const absl::Status status = TryEcho(Connect({.credentials = TlsClient(MakeCertificates())}));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(TextOf(status), AllOf(StartsWith(absl::StrCat(target_, ": cannot connect")), HasSubstr("authority")));
  EXPECT_EQ(service_.echoes(), 0);
  ExpectEcho(Connect());
}

TEST_F(GrpcRemoteTest, AServerOfAnotherNameIsSentNothing) {
  Serve({.address = "127.0.0.2:0"});
  const absl::Status status = TryEcho(Connect());
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(TextOf(status), StartsWith(absl::StrCat(target_, ": cannot connect")));
  EXPECT_EQ(service_.echoes(), 0);
}

TEST_F(GrpcRemoteTest, AClientWithoutTlsIsNotServed) {
  Serve({});
  const absl::Status status = TryEcho(Connect({.credentials = GrpcCredentials(grpc::InsecureChannelCredentials())}));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(TextOf(status), HasSubstr(target_));
  EXPECT_EQ(service_.echoes(), 0);
}

TEST_F(GrpcRemoteTest, WhereNobodyListensOrTheNameIsNoneTheMessageNamesTheTarget) {
  target_ = absl::StrCat("ipv4:127.0.0.1:", PortForAServer());
  for (const std::string& target : {target_, std::string("dns:///no-such-host.invalid:443")}) {
    target_ = target;
    const absl::Status status = TryEcho(Connect());
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_THAT(TextOf(status), StartsWith(absl::StrCat(target, ": cannot connect")));
  }
}

TEST_F(GrpcRemoteTest, NothingIsRemoteWithoutCredentials) {
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

TEST_F(GrpcRemoteTest, WhatIsAboutUnixSocketsIsRefused) {
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

TEST_F(GrpcRemoteTest, InsecureCredentialsAreForWhoeverAsksForThem) {
  Serve({.credentials = GrpcCredentials(grpc::InsecureServerCredentials()), .address = "127.0.0.1:0"});
  EXPECT_THAT(target_, StartsWith("ipv4:127.0.0.1:"));
  ExpectEcho(Connect({.credentials = GrpcCredentials(grpc::InsecureChannelCredentials())}));
  const std::vector<SeenPeer> seen = TakeSeen();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_TRUE(seen[0].remote);
  EXPECT_FALSE(seen[0].credentials.authenticated);
  EXPECT_THAT(seen[0].credentials.names, IsEmpty());
}

TEST_F(GrpcRemoteTest, ACallerByLocalCredentialsHasProvedNothing) {
  Serve({.credentials = GrpcCredentials(grpc::experimental::LocalServerCredentials(LOCAL_TCP)),
         .address = "127.0.0.1:0"});
  ExpectEcho(Connect({.credentials = GrpcCredentials(grpc::experimental::LocalCredentials(LOCAL_TCP))}));
  const std::vector<SeenPeer> seen = TakeSeen();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_FALSE(seen[0].credentials.authenticated);
  EXPECT_THAT(seen[0].credentials.names, IsEmpty());
  EXPECT_THAT(seen[0].credentials.properties, Contains(Pair("transport_security_type", "local")));
}

TEST_F(GrpcRemoteTest, ARemoteCallerIsNoUserOfThisHost) {
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

TEST_F(GrpcRemoteTest, ACertificateThatNobodyVerifiedProvesNothing) {
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

TEST_F(GrpcRemoteTest, MutualTlsSaysWhoCalls) {
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

TEST_F(GrpcRemoteTest, MethodsThatAreForUsersRefuseRemoteCallersWhoeverTheyAre) {
  for (const MethodOptions& echo : {MethodOptions{.allowed_uids = {0}}, MethodOptions{.allowed_uids = {geteuid()}},
                                    MethodOptions{.allowed_uids = {Peer::kNoUid}, .allowed_gids = {Peer::kNoGid, 0}}}) {
    Serve({.credentials = TlsServer(/*demands_client=*/true), .echo = echo});
    const std::shared_ptr<Channel> remote = Connect({.credentials = MutualTlsClient()});
    const absl::Status refused = TryEcho(remote);
    EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied) << refused;
    EXPECT_THAT(TextOf(refused), AllOf(StartsWith(kEcho), HasSubstr("not for remote callers")));
    EXPECT_THAT(TakeSeen(), IsEmpty()) << "an interceptor has seen a call that was refused";
    ExpectEcho(*CreateChannel(unix_target_));
    ClientContext context;
    LookReply reply;
    EXPECT_TRUE(TestStub(remote).Look(context, LookRequest(), reply).ok()) << "other methods are for everybody";
    TakeSeen();
    server_.reset();
  }
}

TEST_F(GrpcRemoteTest, AllRemoteCallersTogetherHaveTheLimitsOfOneUser) {
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

TEST_F(GrpcRemoteTest, TheBytesKeptForRemoteCallersAreLimited) {
  Serve({.server = {.remote_limits = {.max_bytes = 100000}}});
  const std::shared_ptr<Channel> channel = Connect();
  const absl::Status beyond = TryEcho(channel, std::string(200000, 'x'));
  EXPECT_EQ(beyond.code(), absl::StatusCode::kResourceExhausted) << beyond;
  EXPECT_THAT(TextOf(beyond), HasSubstr("the messages of all remote callers"));
  ExpectEcho(channel);
}

TEST_F(GrpcRemoteTest, APortIsOneServersUntilItEnds) {
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

TEST_F(GrpcRemoteTest, AddressesThatCannotBeListenedOnAreRefusedAndSayWhy) {
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

TEST_F(GrpcRemoteTest, AServerMayHaveRemoteEndpointsAlone) {
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

TEST_F(GrpcRemoteTest, ShutdownLetsCallsEndAndTakesNoMore) {
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

TEST_F(GrpcRemoteTest, ShutdownCancelsWhatRunsAtItsDeadline) {
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
TEST_F(GrpcRemoteTest, ConnectionsEndByIdlenessAndAge) {
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
TEST_F(GrpcRemoteTest, ASuccessorListensOnThePortBesideTheServerThatItTakesOverFrom) {
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
TEST_F(GrpcRemoteTest, GarbageHarmsNobody) {
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

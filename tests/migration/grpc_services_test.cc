// Services of gRPC's in a server of ours: beside ours, over both transports, with what ServerBuilder says.

#include "udsrpc/grpc_services.h"

#include <grpcpp/support/server_callback.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/proto/testing.grpc.pb.h"
#include "tests/proto/testing.udsrpc.pb.h"
#include "tests/support/child_process.h"
#include "tests/support/event.h"
#include "tests/support/grpc_tls.h"
#include "tests/support/program_for_others.h"
#include "tests/support/temp_dir.h"
#include "udsrpc/channel.h"
#include "udsrpc/server.h"

namespace udsrpc::testing {
namespace {

using StockTest = Test;

class StockTestService final : public StockTest::Service {
 public:
  grpc::Status Echo(grpc::ServerContext*, const EchoRequest* request, EchoReply* reply) override {
    ++echoes_;
    reply->set_text(request->text());
    return grpc::Status::OK;
  }
  grpc::Status Look(grpc::ServerContext* context, const LookRequest*, LookReply* reply) override {
    const std::optional<GrpcPeer> peer = services_->PeerOf(*context);
    if (!peer) return grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "nobody");
    reply->set_method(peer->endpoint);
    reply->set_peer_pid(peer->pid);
    reply->set_peer_uid(peer->uid);
    if (!peer->remote) return grpc::Status::OK;
    for (const std::string& name : peer->remote->names) {
      Pair& entry = *reply->add_metadata();
      entry.set_key(name);
      entry.set_value(peer->remote->authenticated ? "authenticated" : "");
    }
    return grpc::Status::OK;
  }
  grpc::Status Block(grpc::ServerContext* context, const BlockRequest*, EchoReply*) override {
    arrived_.Happen();
    // gRPC's blocking interface tells only those who ask.
    const absl::Time give_up = absl::Now() + kPatience;
    while (!context->IsCancelled() && absl::Now() < give_up) absl::SleepFor(absl::Milliseconds(1));
    if (context->IsCancelled()) cancelled_.Happen();
    return grpc::Status::CANCELLED;
  }

  Event arrived_;
  Event cancelled_;
  std::atomic<int> echoes_{0};
  const GrpcServices* services_ = nullptr;
};

// gRPC's callback interface.
class StockImpostorService final : public Impostor::CallbackService {
  grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context, const EchoRequest* request,
                                 EchoReply* reply) override {
    reply->set_text(absl::StrCat("callback ", request->text()));
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

class OurImpostorService final : public ImpostorService {
  absl::Status Echo(ServerContext&, const EchoRequest& request, EchoReply& reply) override {
    reply.set_text(absl::StrCat("ours ", request.text()));
    return absl::OkStatus();
  }
};

class GrpcServicesTest : public ::testing::TestWithParam<Transport> {
 protected:
  GrpcServicesTest() {
    service_.services_ = &services_;
    services_.Add<StockTest>(&service_);
  }

  void Start(EndpointOptions options = {}) {
    builder_.AddEndpoint(target_, std::move(options));
    const absl::Status registered = services_.RegisterWith(builder_);
    ASSERT_TRUE(registered.ok()) << registered;
    absl::StatusOr<std::unique_ptr<Server>> server = builder_.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::shared_ptr<Channel> MakeChannel() const { return CreateChannel(target_, {.transport = GetParam()}).value(); }

  absl::Status Echo() const {
    ClientContext context;
    context.set_timeout(absl::Seconds(20));
    EchoRequest request;
    request.set_text("text");
    EchoReply reply;
    const absl::Status status = TestStub(MakeChannel()).Echo(context, request, reply);
    EXPECT_EQ(reply.text(), status.ok() ? "text" : "");
    return status;
  }

  const TempDir dir_;
  const std::string target_ = absl::StrCat("unix:", dir_.File("s"));
  StockTestService service_;
  StockImpostorService callback_;
  OurImpostorService ours_;
  GrpcServices services_;
  ServerBuilder builder_;
  std::unique_ptr<Server> server_;
};

INSTANTIATE_TEST_SUITE_P(Transports, GrpcServicesTest, ::testing::Values(Transport::kGrpc, Transport::kSeqpacket),
                         [](const auto& info) { return info.param == Transport::kGrpc ? "Grpc" : "Seqpacket"; });

TEST_P(GrpcServicesTest, ServesBesideOurs) {
  builder_.RegisterService(&ours_);
  Start();
  EXPECT_TRUE(Echo().ok());
  ClientContext context;
  EchoRequest request;
  EchoReply reply;
  EXPECT_TRUE(ImpostorStub(MakeChannel()).Echo(context, request, reply).ok());
  EXPECT_EQ(reply.text(), "ours ");
}

TEST_P(GrpcServicesTest, ServesCallbackServices) {
  services_.Add<Impostor>(&callback_);
  Start();
  ClientContext context;
  EchoRequest request;
  request.set_text("x");
  EchoReply reply;
  EXPECT_TRUE(ImpostorStub(MakeChannel()).Echo(context, request, reply).ok());
  EXPECT_EQ(reply.text(), "callback x");
}

TEST_P(GrpcServicesTest, TellsHandlersTheirPeerWhichAClientCannotForge) {
  Start();
  for (const bool forge : {false, true}) {
    ClientContext context;
    if (forge) {
      ASSERT_TRUE(context.AddMetadata("udsrpc-peer-bin", "0,0,1,0,0,,forged").ok());
    }
    LookRequest request;
    LookReply reply;
    const absl::Status status = TestStub(MakeChannel()).Look(context, request, reply);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(reply.peer_pid(), getpid());
    EXPECT_EQ(reply.peer_uid(), getuid());
    EXPECT_EQ(reply.method(), server_->endpoints().front());
  }
}

TEST(RemoteGrpcServicesTest, TellRemoteCallersByTheirCredentials) {
  StockTestService service;
  GrpcServices services;
  service.services_ = &services;
  services.Add<StockTest>(&service);
  ServerBuilder builder;
  builder.AddRemoteEndpoint("localhost:0", TlsServer(/*demands_client=*/true));
  ASSERT_TRUE(services.RegisterWith(builder).ok());
  absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  ASSERT_TRUE(server.ok()) << server.status();
  const auto channel = CreateChannel((*server)->endpoints().front(), {.credentials = MutualTlsClient()});
  ASSERT_TRUE(channel.ok()) << channel.status();
  ClientContext context;
  context.set_timeout(kPatience);
  LookReply reply;
  const absl::Status status = TestStub(*channel).Look(context, LookRequest(), reply);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(reply.metadata_size(), 1);
  EXPECT_EQ(reply.metadata(0).key(), "client.example");
  EXPECT_EQ(reply.metadata(0).value(), "authenticated");
  EXPECT_EQ(reply.peer_pid(), 0);
  EXPECT_EQ(reply.peer_uid(), Peer::kNoUid);
}

// Of other users, by programs of their own.
class GrpcServicesAdmissionTest : public GrpcServicesTest {
 protected:
  static constexpr uid_t kStranger = 65534;
  static constexpr uid_t kFriend = 65533;

  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, to become other users";
    ASSERT_EQ(chmod(dir_.path().c_str(), 0711), 0);
  }

  std::string EchoAs(uid_t uid) const {
    std::vector<std::string> arguments = client_.As(uid, uid, "65534");
    arguments.insert(arguments.end(), {target_, std::string(TransportName(GetParam()))});
    return ChildProcess(arguments).ReadLine().value_or("nothing");
  }

 private:
  const ProgramForOthers client_{UDSRPC_TEST_CLIENT};
};

INSTANTIATE_TEST_SUITE_P(Transports, GrpcServicesAdmissionTest,
                         ::testing::Values(Transport::kGrpc, Transport::kSeqpacket),
                         [](const auto& info) { return info.param == Transport::kGrpc ? "Grpc" : "Seqpacket"; });

TEST_P(GrpcServicesAdmissionTest, EndpointsSayForWhom) {
  Start({.mode = 0666, .allowed_uids = {kFriend}});
  EXPECT_EQ(EchoAs(kFriend), "OK");
  EXPECT_THAT(EchoAs(kStranger), ::testing::HasSubstr("PERMISSION_DENIED"));
  EXPECT_EQ(service_.echoes_, 1);
}

TEST_P(GrpcServicesAdmissionTest, MethodOptionsSayForWhom) {
  builder_.SetMethodOptions("/udsrpc.testing.Test/Echo", {.allowed_uids = {kFriend}});
  Start({.mode = 0666});
  EXPECT_EQ(EchoAs(kFriend), "OK");
  EXPECT_THAT(EchoAs(kStranger), ::testing::HasSubstr("PERMISSION_DENIED"));
  EXPECT_EQ(service_.echoes_, 1);
}

TEST_P(GrpcServicesTest, InterceptorsSeeTheCallsAndMayRefuseThem) {
  class Refusing final : public ServerInterceptor {
    absl::Status OnStart(ServerContext& context, Metadata&) override {
      return absl::PermissionDeniedError(absl::StrCat("not ", context.method()));
    }
  };
  ServerOptions options;
  options.interceptors.push_back([](const MethodDescriptor&) { return std::make_unique<Refusing>(); });
  builder_ = ServerBuilder(options);
  Start();
  EXPECT_EQ(Echo().code(), absl::StatusCode::kPermissionDenied);
}

TEST_P(GrpcServicesTest, ShutdownCancelsHandlers) {
  Start();
  ClientContext context;
  context.set_timeout(absl::Seconds(20));
  BlockRequest request;
  EchoReply reply;
  Event ended;
  absl::Status status;
  const std::shared_ptr<Channel> channel = MakeChannel();
  TestStub(channel).Async().Block(context, request, reply, [&](absl::Status result) {
    status = std::move(result);
    ended.Happen();
  });
  ASSERT_TRUE(service_.arrived_.Await());
  server_->Shutdown(absl::InfinitePast());
  EXPECT_TRUE(ended.Await());
  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(service_.cancelled_.Await());
}

TEST_P(GrpcServicesTest, OverTheMessageLimitIsResourceExhausted) {
  builder_ = ServerBuilder(ServerOptions{.max_receive_message_bytes = 100});
  Start();
  ClientContext context;
  EchoRequest request;
  request.set_text(std::string(200, 'x'));
  EchoReply reply;
  EXPECT_EQ(TestStub(MakeChannel()).Echo(context, request, reply).code(), absl::StatusCode::kResourceExhausted);
}

TEST(GrpcServicesRegistrationTest, AServiceOfBothMakesIsThereTwice) {
  const TempDir dir;
  OurImpostorService ours;
  StockImpostorService theirs;
  GrpcServices services;
  services.Add<Impostor>(&theirs);
  ServerBuilder builder;
  builder.AddEndpoint(absl::StrCat("unix:", dir.File("s"))).RegisterService(&ours);
  ASSERT_TRUE(services.RegisterWith(builder).ok());
  EXPECT_EQ(builder.Start().status().code(), absl::StatusCode::kAlreadyExists);
}

TEST(GrpcServicesRegistrationTest, SaysWhatCannotBeServed) {
  ServerBuilder builder;
  EXPECT_EQ(GrpcServices().Add<Impostor>(nullptr).RegisterWith(builder).code(), absl::StatusCode::kInvalidArgument);
  Impostor::AsyncService queue;
  EXPECT_EQ(GrpcServices().Add<Impostor>(&queue).RegisterWith(builder).code(), absl::StatusCode::kInvalidArgument);
  StockImpostorService service;
  StockImpostorService once_service;
  EXPECT_EQ(GrpcServices().Add("no.Such", &service).RegisterWith(builder).code(), absl::StatusCode::kNotFound);
  GrpcServices twice;
  twice.Add<Impostor>(&service).Add<Impostor>(&service);
  EXPECT_EQ(twice.RegisterWith(builder).code(), absl::StatusCode::kAlreadyExists);
  GrpcServices once;
  once.Add<Impostor>(&once_service);
  EXPECT_TRUE(once.RegisterWith(builder).ok());
  EXPECT_EQ(once.RegisterWith(builder).code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace udsrpc::testing

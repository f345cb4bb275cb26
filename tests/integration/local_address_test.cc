// Channels whose own end has a name, and channels that care whose server it is.

#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/src/socket/socket_address.h"
#include "gmock/gmock.h"
#include "tests/integration/combinations.h"
#include "tests/support/event.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc::testing {
namespace {

using ::testing::HasSubstr;

// Replies to Echo with the name of the caller's own end.
class NamingService final : public TestService {
 public:
  absl::Status Echo(ServerContext& context, const EchoRequest& /*request*/, EchoReply& reply) override {
    reply.set_text(context.peer().address());
    return absl::OkStatus();
  }
};

class LocalAddressTest : public CombinationTest {
 protected:
  LocalAddressTest()
      : local_(GetParam().abstract ? absl::StrCat(target_, ".client") : absl::StrCat("unix:", dir_.File("client"))) {}

  void Serve() {
    ServerBuilder builder;
    builder.AddEndpoint(target_, AllTransports()).RegisterService(&naming_service_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  absl::Status Call(const TestStub& stub, std::string* name, bool wait_for_ready = false) {
    ClientContext context;
    context.set_timeout(kPatience);
    context.set_wait_for_ready(wait_for_ready);
    EchoReply reply;
    absl::Status status = stub.Echo(context, EchoRequest(), reply);
    *name = reply.text();
    return status;
  }
  void ExpectSeenAs(const TestStub& stub, const std::string& expected) {
    std::string name;
    const absl::Status status = Call(stub, &name);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(name, expected);
  }

  SocketAddress AddressOfLocal() const {
    const SocketKind kind = GetParam().transport == Transport::kGrpc ? SocketKind::kStream : SocketKind::kSeqpacket;
    return *SocketAddress::Of(*Endpoint::Parse(local_), kind);
  }

  const std::string local_;
  NamingService naming_service_;
};
INSTANTIATE_TEST_SUITE_P(All, LocalAddressTest, AllCombinations(), CombinationName);

TEST_P(LocalAddressTest, TheServerSeesIt) {
  Serve();
  ExpectSeenAs(TestStub(MakeChannel()), "");
  ExpectSeenAs(TestStub(MakeChannel({.local_address = local_})), local_);
  // It is free again.
  ExpectSeenAs(TestStub(MakeChannel({.local_address = local_})), local_);
}

TEST_P(LocalAddressTest, IsKeptWhereTheConnectionEndedWithCalls) {
  StartServer();
  const TestStub stub(MakeChannel({.local_address = local_}));
  for (int i = 0; i < 3; ++i) {
    std::thread killer;
    {
      ClientContext context;
      auto chat = stub.Hold(context);
      EchoReply reply;
      ASSERT_TRUE(chat.Read(reply));
      killer = std::thread([this] { server_->Shutdown(absl::InfinitePast()); });
      EXPECT_EQ(chat.Finish().code(), absl::StatusCode::kUnavailable);
    }
    killer.join();
    server_.reset();
    StartServer();
    ClientContext context;
    context.set_timeout(kPatience);
    context.set_wait_for_ready(true);
    EchoReply reply;
    const absl::Status status = stub.Echo(context, EchoRequest(), reply);
    EXPECT_TRUE(status.ok()) << status;
  }
}

TEST_P(LocalAddressTest, AsynchronousCallsAndStreamsHaveItToo) {
  StartServer();
  const TestStub stub(MakeChannel({.local_address = local_}));
  ClientContext context;
  EchoRequest request;
  EchoReply reply;
  Event done;
  absl::Status status;
  stub.Async().Echo(context, request, reply, [&](absl::Status s) {
    status = std::move(s);
    done.Happen();
  });
  ASSERT_TRUE(done.Await());
  EXPECT_TRUE(status.ok()) << status;
  ClientContext chat_context;
  auto chat = stub.Chat(chat_context);
  request.set_text("hello");
  EXPECT_TRUE(chat.Write(request));
  EXPECT_TRUE(chat.Read(reply));
  EXPECT_EQ(reply.text(), "hello");
  EXPECT_TRUE(chat.WritesDone());
  EXPECT_TRUE(chat.Finish().ok());
}

TEST_P(LocalAddressTest, IsOfOneChannelAtATime) {
  Serve();
  std::string name;
  const TestStub second(MakeChannel({.local_address = local_}));
  {
    const TestStub first(MakeChannel({.local_address = local_}));
    ExpectSeenAs(first, local_);
    const absl::Status status = Call(second, &name);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(status.message()), HasSubstr("local_address"));
    ExpectSeenAs(first, local_);
  }
  EXPECT_TRUE(Call(second, &name, /*wait_for_ready=*/true).ok());
  EXPECT_EQ(name, local_);
}

TEST_P(LocalAddressTest, IsKeptWhenTheServerComesBack) {
  Serve();
  const TestStub stub(MakeChannel({.local_address = local_}));
  for (int i = 0; i < 5; ++i) {
    std::string name;
    EXPECT_TRUE(Call(stub, &name, /*wait_for_ready=*/true).ok());
    EXPECT_EQ(name, local_);
    server_.reset();
    EXPECT_EQ(Call(stub, &name).code(), absl::StatusCode::kUnavailable);
    Serve();
  }
}

TEST_P(LocalAddressTest, WhatADeadClientLeftIsReplaced) {
  if (GetParam().abstract) GTEST_SKIP() << "an abstract name is gone with its socket";
  Serve();
  const SocketAddress address = AddressOfLocal();
  {
    const UniqueFd dead(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(bind(dead.get(), address.get(), address.size()), 0);
  }
  ASSERT_TRUE(std::filesystem::exists(address.path()));
  ExpectSeenAs(TestStub(MakeChannel({.local_address = local_})), local_);
  EXPECT_FALSE(std::filesystem::exists(address.path()));
}

TEST_P(LocalAddressTest, NoServerTakesItFromALiveClient) {
  Serve();
  const TestStub stub(MakeChannel({.local_address = local_}));
  ExpectSeenAs(stub, local_);
  ServerBuilder builder;
  builder.AddEndpoint(local_, {.grpc = GetParam().transport == Transport::kGrpc,
                               .seqpacket = GetParam().transport == Transport::kSeqpacket});
  EXPECT_EQ(builder.Start().status().code(), absl::StatusCode::kAlreadyExists);
  ExpectSeenAs(stub, local_);
}

// The client serves at its own name over the transport that its end does not use.
TEST_P(LocalAddressTest, IsAnAddressToCallBack) {
  if (!kWithGrpc) GTEST_SKIP() << "needs both transports";
  const bool over_grpc = GetParam().transport == Transport::kGrpc;
  Serve();
  ServerBuilder builder;
  builder.AddEndpoint(local_, {.grpc = !over_grpc, .seqpacket = over_grpc}).RegisterService(&service_);
  const auto own = builder.Start();
  ASSERT_TRUE(own.ok()) << own.status();
  const TestStub stub(MakeChannel({.local_address = local_}));
  std::string name;
  ASSERT_TRUE(Call(stub, &name).ok());
  const auto back = CreateChannel(name, {.transport = Transport::kAuto});
  ASSERT_TRUE(back.ok()) << back.status();
  ExpectEcho(TestStub(*back), "hello");
}

TEST_P(LocalAddressTest, OneThatCannotBeIsRefusedAtOnce) {
  const std::vector<std::string> bad{"nonsense", "unix:relative",
                                     "unix-abstract:", absl::StrCat("unix:", dir_.path(), "/", std::string(108, 'x'))};
  for (const std::string& local : bad) {
    const auto channel = CreateChannel(target_, {.transport = GetParam().transport, .local_address = local});
    EXPECT_EQ(channel.status().code(), absl::StatusCode::kInvalidArgument) << local;
    EXPECT_THAT(std::string(channel.status().message()), HasSubstr("ChannelOptions::local_address")) << local;
  }
}

TEST_P(LocalAddressTest, ADirectoryThatIsNotThereIsNamed) {
  Serve();
  const TestStub stub(MakeChannel({.local_address = "unix:/nowhere/client"}));
  std::string name;
  const absl::Status status = Call(stub, &name, /*wait_for_ready=*/true);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/nowhere"));
}

class ServerUidTest : public CombinationTest {};
INSTANTIATE_TEST_SUITE_P(All, ServerUidTest, AllCombinations(), CombinationName);

TEST_P(ServerUidTest, AServerOfANamedUserIsCalled) {
  StartServer();
  ExpectEcho(TestStub(MakeChannel({.server_uids = {4242, geteuid()}})), "hello");
}

TEST_P(ServerUidTest, NothingIsSentToAnothersServer) {
  StartServer();
  const TestStub stub(MakeChannel({.server_uids = {4242}}));
  ClientContext context;
  context.set_timeout(kPatience);
  context.set_wait_for_ready(true);  // which would not mend it
  EchoReply reply;
  const absl::Status status = stub.Echo(context, EchoRequest(), reply);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat("the server is of user ", geteuid())));
  ClientContext chat_context;
  auto chat = stub.Chat(chat_context);
  EXPECT_EQ(chat.Finish().code(), absl::StatusCode::kUnavailable);
  ClientContext async_context;
  const EchoRequest request;
  Event done;
  stub.Async().Echo(async_context, request, reply, [&](absl::Status s) {
    EXPECT_EQ(s.code(), absl::StatusCode::kUnavailable);
    done.Happen();
  });
  EXPECT_TRUE(done.Await());
  EXPECT_EQ(service_.echoes(), 0);
}

TEST_P(ServerUidTest, IsLookedAtAgainWhenTheServerIsAnother) {
  StartServer();
  const TestStub stub(MakeChannel({.server_uids = {geteuid()}}));
  ExpectEcho(stub, "hello");
  server_.reset();
  EXPECT_EQ(TryEcho(stub).code(), absl::StatusCode::kUnavailable);
  StartServer();
  ExpectEcho(stub, "hello again");
}

}  // namespace
}  // namespace udsrpc::testing

// Who calls, by the kernel's word, and who may.

#include <signal.h>
#include <sys/stat.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/integration/combinations.h"
#include "tests/support/child_process.h"
#include "tests/support/event.h"
#include "tests/support/program_for_others.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/server_interceptor.h"

namespace udsrpc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What a call says of itself, and what the kernel says of it.
struct Seen {
  std::string pid;
  std::string uid;
  pid_t peer_pid;
  uid_t peer_uid;
  gid_t peer_gid;
  std::vector<gid_t> peer_groups;
  std::string endpoint;
  Transport transport;
  int pidfd;
};

class SeenPeers {
 public:
  ServerInterceptorFactory Factory() {
    return [this](const MethodDescriptor&) { return std::make_unique<Interceptor>(*this); };
  }
  std::vector<Seen> Take() {
    internal::MutexLock lock(mutex_);
    return std::exchange(seen_, {});
  }

 private:
  class Interceptor final : public ServerInterceptor {
   public:
    explicit Interceptor(SeenPeers& peers) : peers_(peers) {}
    absl::Status OnStart(ServerContext& context, Metadata& metadata) override {
      const Peer& peer = context.peer();
      internal::MutexLock lock(peers_.mutex_);
      peers_.seen_.push_back({.pid = std::string(metadata.Get("pid").value_or("")),
                              .uid = std::string(metadata.Get("uid").value_or("")),
                              .peer_pid = peer.pid(),
                              .peer_uid = peer.uid(),
                              .peer_gid = peer.gid(),
                              .peer_groups = peer.groups(),
                              .endpoint = peer.endpoint(),
                              .transport = peer.transport(),
                              .pidfd = peer.pidfd()});
      return absl::OkStatus();
    }

   private:
    SeenPeers& peers_;
  };

  internal::Mutex mutex_;
  std::vector<Seen> seen_ ABSL_GUARDED_BY(mutex_);
};

class IdentityTest : public CombinationTest {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, to become other users";
    ASSERT_EQ(chmod(dir_.path().c_str(), 0711), 0);
  }

  void Serve(EndpointOptions options, ServerOptions server = {}, MethodOptions echo = {}) {
    options.mode = 0666;
    server.interceptors = {peers_.Factory()};
    ServerBuilder builder(server);
    builder.AddEndpoint(target_, options)
        .RegisterService(&service_)
        .SetMethodOptions("/udsrpc.testing.Test/Echo", echo);
    absl::StatusOr<std::unique_ptr<Server>> started = builder.Start();
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
  }

  // A client's program as another user.
  std::unique_ptr<ChildProcess> ClientAs(uid_t uid, gid_t gid, const std::string& groups,
                                         const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = client_.As(uid, gid, groups);
    arguments.insert(arguments.end(), {target_, std::string(TransportName(GetParam().transport))});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return std::make_unique<ChildProcess>(arguments);
  }
  std::string CallAs(uid_t uid, gid_t gid, const std::string& groups) {
    return ClientAs(uid, gid, groups)->ReadLine().value_or("nothing");
  }

  const ProgramForOthers client_{UDSRPC_TEST_CLIENT};
  SeenPeers peers_;
};
INSTANTIATE_TEST_SUITE_P(All, IdentityTest, AllCombinations(), CombinationName);

TEST_P(IdentityTest, AHandlerKnowsWhoCalls) {
  Serve({.allowed_uids = {4001}, .peer_pidfd = true});
  const auto client = ClientAs(4001, 4002, "4003,4004");
  EXPECT_EQ(client->ReadLine(), "OK");
  const std::vector<Seen> seen = peers_.Take();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].peer_pid, client->pid());
  EXPECT_EQ(seen[0].peer_uid, 4001U);
  EXPECT_EQ(seen[0].peer_gid, 4002U);
  EXPECT_THAT(seen[0].peer_groups, ElementsAre(4003, 4004));
  EXPECT_EQ(seen[0].endpoint, target_);
  EXPECT_EQ(seen[0].transport, GetParam().transport);
  EXPECT_GE(seen[0].pidfd, 0);
  EXPECT_EQ(client->Wait(), 0);
}

TEST_P(IdentityTest, AnEndpointAdmitsUsersAndGroupsByName) {
  Serve({.allowed_uids = {4001}, .allowed_gids = {4500}});
  EXPECT_EQ(CallAs(4001, 4002, "4003"), "OK");
  EXPECT_EQ(CallAs(4009, 4500, "4003"), "OK");
  EXPECT_EQ(CallAs(4009, 4002, "4003,4500"), "OK");
  EXPECT_EQ(CallAs(0, 0, "0"), "OK");
  EXPECT_EQ(peers_.Take().size(), 4U);
  for (int i = 0; i < 8; ++i) {
    const std::string refused = CallAs(4009, 4002, "4003");
    EXPECT_THAT(refused, HasSubstr("PERMISSION_DENIED"));
    EXPECT_THAT(refused, HasSubstr("not for user 4009"));
  }
  EXPECT_TRUE(peers_.Take().empty()) << "an interceptor has seen a call that was refused";
}

TEST_P(IdentityTest, AnAbstractNameIsForTheServersUserAndRootUnlessOthersAreNamed) {
  if (!GetParam().abstract) GTEST_SKIP() << "a path has permissions";
  Serve({});
  EXPECT_EQ(CallAs(0, 0, "0"), "OK");
  EXPECT_THAT(CallAs(4009, 4002, "4003"), HasSubstr("PERMISSION_DENIED"));
}

TEST_P(IdentityTest, AUsersLimitsAreThatUsersAlone) {
  Serve({.allowed_gids = {4500}}, {.user_limits = {.max_connections = 2, .max_calls = 3}});
  const auto greedy = ClientAs(4001, 4500, "4500", {"5", "gate"});
  ASSERT_TRUE(service_.AwaitArrivals("gate", 3));
  EXPECT_THAT(CallAs(4001, 4500, "4500"), HasSubstr("user 4001 has 3 calls in flight"));
  const auto second = ClientAs(4001, 4500, "4500", {"1", "gate"});
  EXPECT_EQ(CallAs(4009, 4500, "4500"), "OK");
  EXPECT_EQ(CallAs(0, 0, "0"), "OK");
  greedy->Kill(SIGKILL);
  EXPECT_TRUE(service_.AwaitCancelled("gate", 3));
  service_.Open("gate");
}

TEST_P(IdentityTest, AMethodIsForThoseWhomItNames) {
  Serve({.allowed_uids = {4001, 4009}}, {}, {.allowed_uids = {4001}, .allowed_gids = {4500}});
  EXPECT_EQ(CallAs(4001, 4002, "4003"), "OK");
  EXPECT_EQ(CallAs(4009, 4500, "4003"), "OK");
  EXPECT_EQ(CallAs(0, 0, "0"), "OK");
  EXPECT_EQ(peers_.Take().size(), 3U);
  const std::string refused = CallAs(4009, 4002, "4003");
  EXPECT_THAT(refused, HasSubstr("PERMISSION_DENIED"));
  EXPECT_THAT(refused, HasSubstr("/udsrpc.testing.Test/Echo: not for user 4009"));
  EXPECT_TRUE(peers_.Take().empty()) << "an interceptor has seen a call that was refused";
}

// Clients die with calls that have not begun; others come, and get what is free of the server's descriptors.
TEST_P(IdentityTest, NobodyIsTakenForAnother) {
  constexpr int kClients = 20;
  constexpr int kHandlers = 2;
  Serve({.allowed_gids = {4500}}, {.max_handler_threads = kHandlers});
  for (int i = 0; i < kClients; ++i) {
    const std::string gate = absl::StrCat("gate ", i);
    const auto client = ClientAs(4100 + i % 3, 4500, "4500", {"8", gate});
    // All handlers are held, and what follows waits where nobody sees it, until the client is gone.
    ASSERT_TRUE(service_.AwaitArrivals(gate, kHandlers)) << i;
    client->Kill(SIGKILL);
  }
  server_.reset();
  std::set<std::string> pids;
  for (const Seen& call : peers_.Take()) {
    pids.insert(call.pid);
    EXPECT_EQ(call.pid, absl::StrCat(call.peer_pid));
    EXPECT_EQ(call.uid, absl::StrCat(call.peer_uid));
  }
  EXPECT_EQ(pids.size(), kClients);
}

}  // namespace
}  // namespace udsrpc::testing

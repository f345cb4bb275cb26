#ifndef UDSRPC_TESTS_GRPC_GRPC_REMOTE_FIXTURE_H_
#define UDSRPC_TESTS_GRPC_GRPC_REMOTE_FIXTURE_H_

#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/event.h"
#include "tests/support/grpc_tls.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_service.h"
#include "udsrpc/channel.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/server.h"
#include "udsrpc/server_interceptor.h"

namespace udsrpc::testing {

inline constexpr char kRemoteEcho[] = "/udsrpc.testing.Test/Echo";

inline std::string TextOf(const absl::Status& status) { return std::string(status.message()); }

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

inline absl::Status TryEcho(const std::shared_ptr<Channel>& channel, const std::string& text = "") {
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

inline void ExpectEcho(const std::shared_ptr<Channel>& channel, const std::string& text = "still well") {
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
    builder.RegisterService(&service_).SetMethodOptions(kRemoteEcho, setup.echo);
    if (!setup.takeover.empty()) builder.EnableTakeover(setup.takeover, {.drain_timeout = kPatience});
    return builder.Start();
  }
  void Serve(Setup setup) {
    absl::StatusOr<std::unique_ptr<Server>> server = Start(std::move(setup));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    ASSERT_EQ(server_->endpoints().size(), 2U);
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

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_GRPC_GRPC_REMOTE_FIXTURE_H_

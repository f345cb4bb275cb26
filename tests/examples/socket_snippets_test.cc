// The snippets of the README about who may call whom, and that they do what it says.

#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "helloworld/greeter.udsrpc.pb.h"
#include "tests/support/temp_dir.h"
#include "udsrpc/channel.h"
#include "udsrpc/server.h"

namespace udsrpc::testing {
namespace {

using helloworld::GreeterStub;
using helloworld::HelloReply;
using helloworld::HelloRequest;

namespace sockets {

// README: who_calls
class Greeter final : public helloworld::GreeterService {
  absl::Status SayHello(ServerContext& context, const HelloRequest& /*request*/, HelloReply& reply) override {
    const Peer& peer = context.peer();  // by the kernel's word, over both transports
    reply.set_message(absl::StrCat("Hello, process ", peer.pid(), " of user ", peer.uid(), "!"));
    return absl::OkStatus();
  }
};

absl::StatusOr<std::unique_ptr<Server>> Serve(Greeter& greeter, const std::string& endpoint, gid_t operators) {
  ServerBuilder builder;
  builder.AddEndpoint(endpoint, {.mode = 0660, .group = operators, .allowed_gids = {operators}});
  builder.SetMethodOptions("/helloworld.Greeter/Record", {.allowed_uids = {0}});  // others: PERMISSION_DENIED
  return builder.RegisterService(&greeter).Start();
}
// README: end

// README: whose_server
absl::StatusOr<std::shared_ptr<Channel>> Connect(const std::string& endpoint, uid_t server, const std::string& own) {
  return CreateChannel(endpoint, {.transport = Transport::kSeqpacket,
                                  .local_address = own,       // the server sees it as peer().address()
                                  .server_uids = {server}});  // anybody else's server is sent nothing
}
// README: end

// README: unnamed
absl::StatusOr<std::shared_ptr<Channel>> ConnectPair(Server& server) {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) return absl::InternalError("no socket left");
  absl::Status status = server.AddConnection(UniqueFd(fds[0]));  // which needs ServerBuilder::AddUnnamedEndpoint
  if (!status.ok()) return status;
  return CreateChannelFromFd(UniqueFd(fds[1]), {.transport = Transport::kSeqpacket});  // or a child that inherits it
}
// README: end

}  // namespace sockets

std::string GreetOver(const absl::StatusOr<std::shared_ptr<Channel>>& channel) {
  if (!channel.ok()) return channel.status().ToString();
  ClientContext context;
  context.set_timeout(absl::Seconds(20));
  HelloReply reply;
  const absl::Status status = GreeterStub(*channel).SayHello(context, HelloRequest(), reply);
  return status.ok() ? reply.message() : status.ToString();
}

std::string ExpectedGreeting() { return absl::StrCat("Hello, process ", getpid(), " of user ", geteuid(), "!"); }

TEST(SocketSnippets, AServerKnowsItsCallersAndAClientItsServer) {
  const TempDir dir;
  const std::string endpoint = absl::StrCat("unix:", dir.File("s"));
  sockets::Greeter greeter;
  const auto server = sockets::Serve(greeter, endpoint, getegid());
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(GreetOver(sockets::Connect(endpoint, geteuid(), absl::StrCat("unix:", dir.File("c")))), ExpectedGreeting());
}

TEST(SocketSnippets, APairNeedsNoName) {
  sockets::Greeter greeter;
  ServerBuilder builder;
  builder.AddUnnamedEndpoint().RegisterService(&greeter);
  const auto server = builder.Start();
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(GreetOver(sockets::ConnectPair(**server)), ExpectedGreeting());
}

}  // namespace
}  // namespace udsrpc::testing

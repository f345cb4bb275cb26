// How servers begin and end: what is claimed, handed over and given up.

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/faults/scenario.h"
#include "tests/support/event.h"

namespace udsrpc::testing {
namespace {

// Of one run.
ServerBuilder Builder(ScenarioRun& run) {
  ServerBuilder builder(run.world().options().server);
  builder.RegisterService(&run.world().service());
  return builder;
}

EndpointOptions Endpoints(ScenarioRun& run, bool both = false) {
  const bool grpc = run.world().options().transport == Transport::kGrpc;
  return {.grpc = grpc || both, .seqpacket = !grpc || both};
}

void EchoAt(ScenarioRun& run, const std::string& target) {
  ChannelOptions options = run.world().options().channel;
  options.transport = run.world().options().transport;
  absl::StatusOr<std::shared_ptr<Channel>> channel = CreateChannel(target, options);
  ASSERT_TRUE(channel.ok()) << channel.status();
  ClientContext context;
  context.set_timeout(kCallBound);
  EchoReply reply;
  if (run.Expect(TestStub(*channel).Echo(context, EchoText("echo"), reply), absl::StatusCode::kOk, target)) {
    EXPECT_EQ(reply.text(), "echo");
  }
}

// Starts, serves a call, and shuts down in an orderly way.
void StartAndShutDown(ScenarioRun& run, const std::string& target, EndpointOptions options) {
  ServerBuilder builder = Builder(run);
  builder.AddEndpoint(target, std::move(options));
  absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  if (!run.ExpectMade(server.status(), target)) return;
  EchoAt(run, target);
  (*server)->Shutdown(absl::Now() + kCallBound);
}

void ClaimPath(ScenarioRun& run) {
  EndpointOptions options = Endpoints(run);
  options.group = getegid();
  StartAndShutDown(run, "unix:" + run.world().NewName(), std::move(options));
}

// Both sockets, or none.
void ClaimBoth(ScenarioRun& run) {
  StartAndShutDown(run, "unix:" + run.world().NewName(), Endpoints(run, /*both=*/true));
}

void ClaimLongPath(ScenarioRun& run) {
  const std::string directory = run.world().NewName() + std::string(120, 'd');
  std::filesystem::create_directory(directory);
  StartAndShutDown(run, "unix:" + directory + "/s", Endpoints(run));
  std::error_code error;
  std::filesystem::remove(directory, error);
}

// What a server that was killed has left.
void ClaimStalePath(ScenarioRun& run) {
  const std::string path = run.world().NewName();
  {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string file = path + ".seqpacket";
    file.copy(address.sun_path, sizeof(address.sun_path) - 1);
    const int stale = static_cast<int>(syscall(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    ASSERT_EQ(syscall(SYS_bind, stale, &address, sizeof(address)), 0);
    syscall(SYS_close, stale);
  }
  StartAndShutDown(run, "unix:" + path, Endpoints(run));
  std::error_code error;
  std::filesystem::remove(path + ".seqpacket", error);  // it is not this server's where it has not started
}

void ClaimName(ScenarioRun& run) {
  StartAndShutDown(run, "unix-abstract:" + run.world().NewName(), Endpoints(run, /*both=*/false));
}

void Autobind(ScenarioRun& run) {
  ServerBuilder builder = Builder(run);
  builder.AddAutobindEndpoint(Endpoints(run));
  absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  if (!run.ExpectMade(server.status(), "unix-abstract:")) return;
  EchoAt(run, (*server)->endpoints().front());
}

void SocketPair(ScenarioRun& run) {
  ServerBuilder builder = Builder(run);
  builder.AddUnnamedEndpoint(Endpoints(run));
  absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  if (!run.ExpectMade(server.status(), "endpoint")) return;
  const bool grpc = run.world().options().transport == Transport::kGrpc;
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, grpc ? SOCK_STREAM : SOCK_SEQPACKET, 0, ends), 0);
  UniqueFd client_end(ends[0]);
  if (!run.ExpectMade((*server)->AddConnection(UniqueFd(ends[1])), "descriptor")) return;
  ChannelOptions options = run.world().options().channel;
  options.transport = run.world().options().transport;
  const absl::StatusOr<std::shared_ptr<Channel>> channel = CreateChannelFromFd(std::move(client_end), options);
  if (!run.ExpectMade(channel.status(), "descriptor")) return;
  ClientContext context;
  context.set_timeout(kCallBound);
  EchoReply reply;
  run.Expect(TestStub(*channel).Echo(context, EchoText("echo"), reply), absl::StatusCode::kOk, "fd:");
}

// Calls run while the server shuts down: those that have begun are answered.
void ShutdownWithCalls(ScenarioRun& run) {
  const std::string target = "unix:" + run.world().NewName();
  ServerBuilder builder = Builder(run);
  builder.AddEndpoint(target, Endpoints(run));
  absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  if (!run.ExpectMade(server.status(), target)) return;
  ChannelOptions options = run.world().options().channel;
  options.transport = run.world().options().transport;
  const TestStub stub(*CreateChannel(target, options));
  Event begun_or_ended;
  const BlockWatch watch(run.world().service(), begun_or_ended);
  absl::Status status;
  Event done;
  std::thread caller = StartThread([&] {
    ClientContext context;
    context.set_timeout(kCallBound);
    BlockRequest request;
    request.set_gate("2");
    EchoReply reply;
    status = stub.Block(context, request, reply);
    begun_or_ended.Happen();
    done.Happen();
  });
  begun_or_ended.Await();
  (*server)->Shutdown(absl::Now() + kCallBound);
  EXPECT_TRUE(done.Await());
  caller.join();
  run.Expect(status, absl::StatusCode::kOk, target);
}

// One server takes over from another, whose client goes on. Where that fails, the first goes on.
void Takeover(ScenarioRun& run) {
  const std::string target = "unix:" + run.world().NewName();
  const std::string path = run.world().NewName();
  const auto start = [&] {
    ServerBuilder builder = Builder(run);
    builder.AddEndpoint(target, Endpoints(run)).EnableTakeover(path, {.drain_timeout = kCallBound});
    return builder.Start();
  };
  absl::StatusOr<std::unique_ptr<Server>> server = start();
  if (!run.ExpectMade(server.status(), run.world().dir().path())) return;
  ChannelOptions options = run.world().options().channel;
  options.transport = run.world().options().transport;
  const TestStub stub(*CreateChannel(target, options));
  const auto echo = [&] {
    ClientContext context;
    context.set_timeout(kCallBound);
    EchoReply reply;
    run.Expect(stub.Echo(context, EchoText("echo"), reply), absl::StatusCode::kOk, target);
  };
  echo();
  absl::StatusOr<std::unique_ptr<Server>> successor = start();
  echo();
  if (run.ExpectMade(successor.status(), run.world().dir().path())) {
    // It may have found nobody to take over from, and have claimed what that one gave up: either way it serves.
    echo();
    (*server)->Shutdown(absl::Now() + kCallBound);
    (*successor)->Shutdown(absl::Now() + kCallBound);
  } else {
    (*server)->Shutdown(absl::Now() + kCallBound);
  }
}

}  // namespace

std::vector<Scenario> ServerScenarios() {
  return {{"ClaimPath", ClaimPath},
          {"ClaimBoth", ClaimBoth, World::OverGrpc()},
          {"ClaimLongPath", ClaimLongPath},
          {"ClaimStalePath", ClaimStalePath},
          {"ClaimName", ClaimName},
          {"Autobind", Autobind},
          {"SocketPair", SocketPair},
          {"ShutdownWithCalls", ShutdownWithCalls},
          {"Takeover", Takeover},
          {"GrpcClaimPath", ClaimPath, World::OverGrpc()},
          {"GrpcSocketPair", SocketPair, World::OverGrpc()},
          {"GrpcShutdownWithCalls", ShutdownWithCalls, World::OverGrpc()},
          {"GrpcTakeover", Takeover, World::OverGrpc()}};
}

}  // namespace udsrpc::testing

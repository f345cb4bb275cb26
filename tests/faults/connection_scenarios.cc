// How connections begin and end.

#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/faults/scenario.h"
#include "tests/faults/server_of_a_run.h"

namespace udsrpc::testing {
namespace {

// A call is made on three connections at most, and a machine may be too busy to send it within 2 ms of each.
constexpr absl::Duration kIdle = absl::Milliseconds(10);
constexpr absl::Duration kKeepalive = absl::Milliseconds(10);  // the least that there may be

// The server says goodbye while nobody reads, or just as the second call leaves.
void Idleness(ScenarioRun& run) {
  run.Echo("first");
  absl::SleepFor(2 * kIdle);
  run.Echo("second");
}

World::Options Idle() {
  World::Options options;
  options.server.max_connection_idle = kIdle;
  return options;
}

void Keepalives(ScenarioRun& run) {
  ClientContext context;
  context.set_timeout(kCallBound);
  BlockRequest request;
  request.set_gate(absl::StrCat(absl::ToInt64Milliseconds(2 * kKeepalive)));
  EchoReply reply;
  run.Expect(run.stub().Block(context, request, reply));
}

World::Options WithKeepalive() {
  World::Options options;
  options.channel.keepalive_time = kKeepalive;
  options.channel.keepalive_timeout = kCallBound;
  return options;
}

absl::Status EchoWaitingForReady(const TestStub& stub) {
  ClientContext context;
  context.set_wait_for_ready(true);
  context.set_timeout(kCallBound);
  EchoReply reply;
  return stub.Echo(context, EchoText("ready"), reply);
}

// The call is there before its server.
void WaitForReady(ScenarioRun& run) {
  ServerOfARun server(run);
  const TestStub stub(server.Connect());
  absl::Status status;
  std::thread caller = StartThread([&] { status = EchoWaitingForReady(stub); });
  absl::SleepFor(absl::Milliseconds(1));
  const bool serves = server.Start();
  // Where it has not started, the call is not to wait for that.
  if (!serves) server.StartAnyhow();
  caller.join();
  run.Expect(status, absl::StatusCode::kOk, server.target());
}

// A connection's server goes and comes back between calls, and in the middle of a stream.
void Restart(ScenarioRun& run) {
  ServerOfARun server(run);
  server.StartAnyhow();
  const TestStub stub(server.Connect());
  const auto echo = [&] {
    ClientContext context;
    context.set_timeout(kCallBound);
    EchoReply reply;
    run.Expect(stub.Echo(context, EchoText("echo"), reply), absl::StatusCode::kOk, server.target());
  };
  echo();
  ClientContext context;
  ClientReaderWriter<EchoRequest, EchoReply> chat = stub.Chat(context);
  EchoReply reply;
  if (chat.Write(EchoText("first"))) chat.Read(reply);
  server.Kill();
  EXPECT_FALSE(chat.Read(reply));
  EXPECT_FALSE(chat.Finish().ok());
  server.StartAnyhow();
  echo();
}

void LocalAddress(ScenarioRun& run, const std::string& address) {
  ChannelOptions options = run.world().options().channel;
  options.local_address = address;
  options.transport = run.world().options().transport;
  const TestStub stub(*CreateChannel(run.world().target(), options));
  run.Echo(stub, "by its name");
}

void LocalAddresses(ScenarioRun& run) {
  LocalAddress(run, "unix:" + run.world().NewName());
  LocalAddress(run, "unix-abstract:" + run.world().NewName());
}

void ServerUids(ScenarioRun& run) {
  ChannelOptions options = run.world().options().channel;
  options.server_uids = {geteuid()};
  options.transport = run.world().options().transport;
  const TestStub stub(*CreateChannel(run.world().target(), options));
  run.Echo(stub, "to a server that is known");
}

void ChannelsThatChoose(ScenarioRun& run) {
  ServerOfARun server(run, {.grpc = true});
  server.StartAnyhow();
  const TestStub stub(server.Connect(Transport::kAuto));
  ClientContext context;
  context.set_timeout(kCallBound);
  EchoReply reply;
  run.Expect(stub.Echo(context, EchoText("either way"), reply), absl::StatusCode::kOk, server.target());
}

World::Options WithPidfds() {
  World::Options options;
  options.endpoint.peer_pidfd = true;
  return options;
}

}  // namespace

std::vector<Scenario> ConnectionScenarios() {
  return {{"Idleness", Idleness, Idle()},
          {"Keepalive", Keepalives, WithKeepalive()},
          {"WaitForReady", WaitForReady},
          {"Restart", Restart},
          {"LocalAddresses", LocalAddresses},
          {"ServerUids", ServerUids, WithPidfds()},
          {"ChannelsThatChoose", ChannelsThatChoose, World::OverGrpc()},
          {"GrpcLocalAddresses", LocalAddresses, World::OverGrpc()},
          {"GrpcServerUids", ServerUids, World::OverGrpc()}};
}

}  // namespace udsrpc::testing

// The server that is attacked, in a process of its own so that what it takes can be measured:
//
//   victim [--flags] TARGET...
//
// Prints "ready" when it serves, and answers each line of its input with what it has at that moment:
//
//   connections N in_flight N started N
//
// Shuts down in an orderly way when its input ends, and then prints "done".

#include <cstdint>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "tests/proto/testing.udsrpc.pb.h"
#include "udsrpc/server.h"

ABSL_FLAG(uint64_t, max_receive_fds, 0, "ServerOptions::max_receive_fds");
ABSL_FLAG(absl::Duration, max_connection_idle, absl::InfiniteDuration(), "ServerOptions::max_connection_idle");

namespace {

using udsrpc::testing::BlockRequest;
using udsrpc::testing::CollectReply;
using udsrpc::testing::EchoReply;
using udsrpc::testing::EchoRequest;
using udsrpc::testing::InflateRequest;

// As testing.proto says, with no test to let anything through: whatever is held is so until its call is cancelled. Its
// handlers wait without looking now and then, so that an idle process is.
class VictimService final : public udsrpc::testing::TestService {
 public:
  absl::Status Echo(udsrpc::ServerContext&, const EchoRequest& request, EchoReply& reply) override {
    reply.set_text(request.text());
    return absl::OkStatus();
  }
  absl::Status Block(udsrpc::ServerContext& context, const BlockRequest&, EchoReply&) override {
    AwaitCancellation(context);
    return absl::CancelledError("seen by the handler");
  }
  absl::Status Inflate(udsrpc::ServerContext&, const InflateRequest& request, EchoReply& reply) override {
    reply.set_text(std::string(request.bytes(), 'x'));
    return absl::OkStatus();
  }
  absl::Status Count(udsrpc::ServerContext&, const InflateRequest& request,
                     udsrpc::ServerWriter<EchoReply>& writer) override {
    EchoReply reply;
    reply.set_text(std::string(request.bytes(), 'x'));
    for (uint64_t i = 0; i < request.messages(); ++i) {
      if (!writer.Write(reply)) return absl::CancelledError("seen by the handler");
    }
    return absl::OkStatus();
  }
  absl::Status Collect(udsrpc::ServerContext&, udsrpc::ServerReader<EchoRequest>& reader,
                       CollectReply& reply) override {
    EchoRequest request;
    while (reader.Read(request)) reply.set_messages(reply.messages() + 1);
    return absl::OkStatus();
  }
  absl::Status Chat(udsrpc::ServerContext&, udsrpc::ServerReaderWriter<EchoReply, EchoRequest>& stream) override {
    EchoRequest request;
    EchoReply reply;
    while (stream.Read(request)) {
      reply.set_text(request.text());
      if (!stream.Write(reply)) break;
    }
    return absl::OkStatus();
  }
  absl::Status Hold(udsrpc::ServerContext& context,
                    udsrpc::ServerReaderWriter<EchoReply, EchoRequest>& /*stream*/) override {
    AwaitCancellation(context);
    return absl::CancelledError("seen by the handler");
  }

 private:
  static void AwaitCancellation(udsrpc::ServerContext& context) {
    const auto cancelled = std::make_shared<absl::Notification>();
    context.AddCancelCallback([cancelled] { cancelled->Notify(); });
    cancelled->WaitForNotification();
  }
};

void PrintStats(const udsrpc::ServerStats& stats) {
  size_t connections = 0;
  uint64_t in_flight = 0;
  uint64_t started = 0;
  for (const udsrpc::TransportStats& transport : stats.transports) connections += transport.connections;
  for (const udsrpc::MethodStats& method : stats.methods) {
    in_flight += method.in_flight;
    started += method.started;
  }
  std::printf("connections %zu in_flight %ju started %ju\n", connections, static_cast<uintmax_t>(in_flight),
              static_cast<uintmax_t>(started));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<char*> targets = absl::ParseCommandLine(argc, argv);
  VictimService service;
  udsrpc::ServerBuilder builder({.max_receive_fds = absl::GetFlag(FLAGS_max_receive_fds),
                                 .max_connection_idle = absl::GetFlag(FLAGS_max_connection_idle)});
  for (size_t i = 1; i < targets.size(); ++i) builder.AddEndpoint(targets[i], {.mode = 0666});
  builder.RegisterService(&service);
  absl::StatusOr<std::unique_ptr<udsrpc::Server>> server = builder.Start();
  if (!server.ok()) {
    std::printf("%s\n", server.status().ToString().c_str());
    return 1;
  }
  std::printf("ready\n");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) PrintStats((*server)->Stats());
  (*server)->Shutdown(absl::Now() + absl::Seconds(10));
  std::printf("done\n");
  return 0;
}

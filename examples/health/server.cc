// The greeter with health checking and reflection:
//
//   health_server [--grace=DURATION] [--drain=DURATION] ENDPOINT...
//
// serves over gRPC and seqpacket. SIGUSR1 begins or ends maintenance. SIGTERM ends it in an orderly way: it says
// NOT_SERVING, goes on to serve for the grace in which load balancers notice, and then lets the calls that run end.

#include "udsrpc/server.h"

#include <signal.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "greeter.udsrpc.pb.h"
#include "udsrpc/health.h"
#include "udsrpc/reflection.h"

ABSL_FLAG(absl::Duration, grace, absl::Seconds(5), "how long it serves on when it has said that it will not");
ABSL_FLAG(absl::Duration, drain, absl::Seconds(30), "how long calls may then still run");

class Greeter final : public helloworld::GreeterService {
  absl::Status SayHello(udsrpc::ServerContext& /*context*/, const helloworld::HelloRequest& request,
                        helloworld::HelloReply& reply) override {
    reply.set_message(absl::StrCat("Hello, ", request.name(), "!"));
    return absl::OkStatus();
  }
};

// README: start
absl::StatusOr<std::unique_ptr<udsrpc::Server>> Serve(Greeter& greeter, udsrpc::Health& health,
                                                      udsrpc::Reflection& reflection,
                                                      const std::vector<std::string>& endpoints) {
  udsrpc::ServerBuilder builder;
  for (const std::string& endpoint : endpoints) builder.AddEndpoint(endpoint);
  builder.RegisterService(&greeter);
  builder.AddExtension(&health);      // grpc.health.v1.Health: SERVING from the start
  builder.AddExtension(&reflection);  // so that "udsrpc call", grpcurl and the like need no .proto files
  return builder.Start();
}
// README: end

// README: drain
void Drain(udsrpc::Server& server, udsrpc::Health& health, absl::Duration grace, absl::Duration drain) {
  health.SetMaintenance(true);  // whoever asks or watches hears NOT_SERVING
  std::cout << "draining" << std::endl;
  absl::SleepFor(grace);                 // and sends its calls elsewhere; those that still come are served
  server.Shutdown(absl::Now() + drain);  // no new ones; those that run may end
}
// README: end

int main(int argc, char** argv) {
  // Blocked before any thread starts, so that sigwait below is the only one to take them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  absl::SetProgramUsageMessage("greets, and tells of its health and services: health_server [flags] ENDPOINT...");
  absl::FlagsUsageConfig usage;  // --help shows the flags of this file
  usage.contains_help_flags = [](absl::string_view file) { return absl::EndsWith(file, "health/server.cc"); };
  absl::SetFlagsUsageConfig(usage);
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  Greeter greeter;
  udsrpc::Health health;
  udsrpc::Reflection reflection;
  absl::StatusOr<std::unique_ptr<udsrpc::Server>> server =
      Serve(greeter, health, reflection, std::vector<std::string>(arguments.begin() + 1, arguments.end()));
  if (!server.ok()) {
    std::cerr << "health_server: " << server.status().message() << "\n";
    return 1;
  }
  for (const std::string& endpoint : (*server)->endpoints()) std::cout << "serving " << endpoint << std::endl;

  bool maintenance = false;
  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGUSR1) {
    maintenance = !maintenance;
    health.SetMaintenance(maintenance);
    std::cout << (maintenance ? "maintenance begins" : "maintenance ends") << std::endl;
  }
  Drain(**server, health, absl::GetFlag(FLAGS_grace), absl::GetFlag(FLAGS_drain));
  return 0;
}

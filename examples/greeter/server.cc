// The greeter's server:
//
//   greeter_server ENDPOINT...
//
// serves every endpoint over gRPC and seqpacket until it gets SIGINT or SIGTERM.

#include "udsrpc/server.h"

#include <signal.h>

#include <iostream>
#include <memory>
#include <vector>

#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "greeter.udsrpc.pb.h"

// README: server
class Greeter final : public helloworld::GreeterService {
  absl::Status SayHello(udsrpc::ServerContext& /*context*/, const helloworld::HelloRequest& request,
                        helloworld::HelloReply& reply) override {
    if (request.name().empty()) return absl::InvalidArgumentError("name: it is empty");
    reply.set_message(absl::StrCat("Hello, ", request.name(), "!"));
    return absl::OkStatus();
  }
};

absl::StatusOr<std::unique_ptr<udsrpc::Server>> Serve(Greeter& greeter, int count, char** endpoints) {
  udsrpc::ServerBuilder builder;
  for (int i = 0; i < count; ++i) builder.AddEndpoint(endpoints[i]);  // "unix:/run/greeter.sock"
  return builder.RegisterService(&greeter).Start();
}
// README: end

int main(int argc, char** argv) {
  // Blocked before any thread starts, so that sigwait below is the only one to take them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  absl::SetProgramUsageMessage("greets over udsrpc: greeter_server ENDPOINT...");
  std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  Greeter greeter;
  absl::StatusOr<std::unique_ptr<udsrpc::Server>> server =
      Serve(greeter, static_cast<int>(arguments.size()) - 1, arguments.data() + 1);
  if (!server.ok()) {
    std::cerr << "greeter_server: " << server.status().message() << "\n";
    return 1;
  }
  for (const std::string& endpoint : (*server)->endpoints()) std::cout << "serving " << endpoint << std::endl;

  int signal;
  sigwait(&signals, &signal);
  (*server)->Shutdown(absl::Now() + absl::Seconds(5));
  return 0;
}

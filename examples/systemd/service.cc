// The greeter as a service of systemd:
//
//   greeter_service [--takeover=PATH] [ENDPOINT...]
//
// serves the sockets that systemd passes, and the endpoints, over gRPC and seqpacket until it gets SIGTERM, or until
// the next one takes over from it.

#include <signal.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "greeter.udsrpc.pb.h"
#include "udsrpc/server.h"
#include "udsrpc/systemd.h"

class Greeter final : public helloworld::GreeterService {
  absl::Status SayHello(udsrpc::ServerContext& /*context*/, const helloworld::HelloRequest& request,
                        helloworld::HelloReply& reply) override {
    reply.set_message(absl::StrCat("Hello, ", request.name(), ", from process ", getpid(), "!"));
    return absl::OkStatus();
  }
};

// README: activation
absl::StatusOr<std::unique_ptr<udsrpc::Server>> Serve(Greeter& greeter, const std::vector<std::string>& endpoints,
                                                      const std::string& takeover) {
  udsrpc::ServerBuilder builder;
  builder.RegisterService(&greeter);
  absl::StatusOr<int> passed = udsrpc::AddSystemdSockets(builder);  // none where somebody starts it by hand
  if (!passed.ok()) return passed.status();
  for (const std::string& endpoint : endpoints) builder.AddEndpoint(endpoint);
  if (!takeover.empty()) builder.EnableTakeover(takeover);  // "/run/greeter/takeover"
  absl::StatusOr<std::unique_ptr<udsrpc::Server>> server = builder.Start();
  if (server.ok()) udsrpc::NotifySystemdReady();
  return server;
}
// README: end

int main(int argc, char** argv) {
  // Blocked before any thread starts, so that sigwait below is the only one to take it.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  std::string takeover;
  std::vector<std::string> endpoints;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (absl::ConsumePrefix(&argument, "--takeover=")) {
      takeover = std::string(argument);
    } else {
      endpoints.emplace_back(argument);
    }
  }
  Greeter greeter;
  absl::StatusOr<std::unique_ptr<udsrpc::Server>> started = Serve(greeter, endpoints, takeover);
  if (!started.ok()) {
    std::cerr << "greeter_service: " << started.status().message() << "\n";
    return 1;
  }
  udsrpc::Server& server = **started;
  for (const std::string& endpoint : server.endpoints()) std::cout << "serving " << endpoint << std::endl;

  // README: end_of_service
  std::thread terminator([&signals, &server] {
    int signal;
    sigwait(&signals, &signal);
    server.Shutdown(absl::Now() + absl::Seconds(5));
  });
  if (server.Wait() == udsrpc::Server::End::kTakenOver) {
    std::cout << "another process serves now" << std::endl;
    _exit(0);  // with the thread that waits for a signal, and without telling systemd that the service stops
  }
  udsrpc::NotifySystemdStopping();
  terminator.join();
  // README: end
  return 0;
}

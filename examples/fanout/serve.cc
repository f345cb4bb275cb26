#include "serve.h"

#include <signal.h>

#include <iostream>
#include <memory>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "udsrpc/server.h"

int Serve(const char* program, const char* endpoint, udsrpc::Service& service) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  udsrpc::ServerBuilder builder;
  absl::StatusOr<std::unique_ptr<udsrpc::Server>> server =
      builder.AddEndpoint(endpoint).RegisterService(&service).Start();
  if (!server.ok()) {
    std::cerr << program << ": " << server.status().message() << "\n";
    return 1;
  }
  std::cout << "serving " << (*server)->endpoints().front() << std::endl;

  int signal;
  sigwait(&signals, &signal);
  (*server)->Shutdown(absl::Now() + absl::Seconds(2));
  return 0;
}

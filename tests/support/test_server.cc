// A server of TestServiceImpl in a process of its own:
//
//   test_server TARGET...
//
// Prints "ready" when it serves, shuts down in an orderly way when its input ends, and then prints "done".

#include <unistd.h>

#include <cstdio>
#include <memory>

#include "absl/time/clock.h"
#include "tests/support/test_service.h"
#include "udsrpc/server.h"

int main(int argc, char** argv) {
  udsrpc::testing::TestServiceImpl service;
  udsrpc::ServerBuilder builder;
  for (int i = 1; i < argc; ++i) builder.AddEndpoint(argv[i]);
  builder.RegisterService(&service);
  absl::StatusOr<std::unique_ptr<udsrpc::Server>> server = builder.Start();
  if (!server.ok()) {
    std::printf("%s\n", server.status().ToString().c_str());
    return 1;
  }
  std::printf("ready\n");
  std::fflush(stdout);
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  (*server)->Shutdown(absl::Now() + absl::Seconds(10));
  std::printf("done\n");
  return 0;
}

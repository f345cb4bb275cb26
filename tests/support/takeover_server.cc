// A server of TestServiceImpl that takes over, and is taken over:
//
//   takeover_server TAKEOVER_PATH DRAIN_MILLISECONDS[,MAX_CONNECTION_AGE_MILLISECONDS] TARGET...
//
// Prints "ready" when it serves, or why it does not start. When another one has taken over and its clients have left it
// prints "taken over"; when its input has ended and it has shut down, "done".
//
//   takeover_server TAKEOVER_PATH
//
// receives the running server's sockets, prints "holding", or why it does not, and waits for its end.

#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "server/src/takeover_successor.h"
#include "tests/support/test_service.h"
#include "udsrpc/server.h"

namespace {

void Print(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

void AwaitEndOfInput() {
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
}

int Hold(const char* path) {
  bool died;
  const auto successor = udsrpc::TakeoverSuccessor::Connect(*udsrpc::Endpoint::FromPath(path), &died);
  Print(successor.ok() ? *successor == nullptr ? "nobody" : "holding" : successor.status().ToString());
  AwaitEndOfInput();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  if (argc == 2) return Hold(argv[1]);
  udsrpc::testing::TestServiceImpl service;
  udsrpc::ServerOptions options;
  if (const char* const age = std::strchr(argv[2], ','); age != nullptr) {
    options.max_connection_age = absl::Milliseconds(std::atoi(age + 1));
  }
  udsrpc::ServerBuilder builder(options);
  builder.RegisterService(&service);
  builder.EnableTakeover(argv[1], {.drain_timeout = absl::Milliseconds(std::atoi(argv[2]))});
  for (int i = 3; i < argc; ++i) builder.AddEndpoint(argv[i]);
  const absl::StatusOr<std::unique_ptr<udsrpc::Server>> server = builder.Start();
  if (!server.ok()) {
    Print(server.status().ToString());
    return 1;
  }
  Print("ready");
  std::thread input([&server] {
    AwaitEndOfInput();
    (*server)->Shutdown(absl::Now() + absl::Seconds(10));
  });
  Print((*server)->Wait() == udsrpc::Server::End::kTakenOver ? "taken over" : "done");
  shutdown(STDIN_FILENO, SHUT_RD);  // it is a socket, see ChildProcess
  input.join();
  return 0;
}

// A server of TestServiceImpl on the sockets that systemd passes, and at TARGETs:
//
//   systemd_server [TARGET...]
//
// Prints "passed NAME" of each socket, or why it does not start, then "serving TARGET" of each endpoint, and "ready"
// when systemd has been told so. Shuts down in an orderly way when its input ends, and then prints "done". Sockets
// called "for 4001" are for that user as well as the server's own and root; those called "left" are not served.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/clock.h"
#include "tests/support/test_service.h"
#include "udsrpc/server.h"
#include "udsrpc/systemd.h"

namespace {

void Print(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  udsrpc::testing::TestServiceImpl service;
  udsrpc::ServerBuilder builder;
  builder.RegisterService(&service);
  const absl::StatusOr<int> added =
      udsrpc::AddSystemdSockets(builder, [](absl::string_view name) -> std::optional<udsrpc::EndpointOptions> {
        Print("passed " + std::string(name));
        if (name == "left") return std::nullopt;
        udsrpc::EndpointOptions options;
        if (name == "for 4001") options.allowed_uids = {4001};
        return options;
      });
  for (int i = 1; i < argc; ++i) builder.AddEndpoint(argv[i]);
  const absl::StatusOr<std::unique_ptr<udsrpc::Server>> server =
      added.ok() ? builder.Start() : absl::StatusOr<std::unique_ptr<udsrpc::Server>>(added.status());
  if (!server.ok()) {
    Print(server.status().ToString());
    return 1;
  }
  for (const std::string& endpoint : (*server)->endpoints()) Print("serving " + endpoint);
  // A child would take the sockets for its own.
  if (std::getenv("LISTEN_FDS") != nullptr || std::getenv("LISTEN_PID") != nullptr) Print("LISTEN_FDS is still there");
  udsrpc::NotifySystemdReady();
  Print("ready");
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  udsrpc::NotifySystemdStopping();
  (*server)->Shutdown(absl::Now() + absl::Seconds(10));
  Print("done");
  return 0;
}

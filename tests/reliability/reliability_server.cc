// A server of MixedService in a process of its own:
//
//   reliability_server [--takeover=PATH [--drain=30s]] [--limited=TARGET] TARGET...
//
// Does what the lines of its input say:
//
//   serve    starts the server, and prints "ready", or why it does not
//   report   prints what it has, and how many handlers and connections: see Figures
//
// At the end of its input it shuts down, and prints "done". When another one has taken over it prints "taken over" and
// does so as well. Exits with 3 where a handler noticed what must not be, or was left.

#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/time/clock.h"
#include "tests/reliability/mixed_load.h"
#include "tests/reliability/mixed_service.h"
#include "tests/reliability/process_resources.h"
#include "udsrpc/server.h"

ABSL_FLAG(std::string, takeover, "", "the path of the socket for takeovers");
ABSL_FLAG(absl::Duration, drain, absl::Seconds(30), "how long to serve on once another has taken over");
ABSL_FLAG(std::string, limited, "", "an endpoint whose users may have two calls at a time");

namespace udsrpc::testing {
namespace {

void Print(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

class ServerProcess {
 public:
  explicit ServerProcess(std::vector<std::string> targets) : targets_(std::move(targets)) {}

  // Why not, where it does not.
  absl::Status Serve() {
    ServerBuilder builder(ServerOptions{.max_receive_fds = kFilesPerMessage});
    for (const std::string& target : targets_) builder.AddEndpoint(target);
    if (const std::string path = absl::GetFlag(FLAGS_takeover); !path.empty()) {
      builder.EnableTakeover(path, {.drain_timeout = absl::GetFlag(FLAGS_drain)});
    }
    builder.RegisterService(&service_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    if (!server.ok()) return server.status();
    server_ = *std::move(server);
    if (const std::string target = absl::GetFlag(FLAGS_limited); !target.empty()) {
      ServerBuilder limited(
          ServerOptions{.max_receive_fds = kFilesPerMessage, .user_limits_of = {{geteuid(), {.max_calls = 2}}}});
      limited.AddEndpoint(target).RegisterService(&service_);
      absl::StatusOr<std::unique_ptr<Server>> limited_server = limited.Start();
      if (!limited_server.ok()) return limited_server.status();
      limited_ = *std::move(limited_server);
    }
    waiter_ = std::thread([this] {
      if (server_->Wait() != Server::End::kTakenOver) return;
      Print("taken over");
      shutdown(STDIN_FILENO, SHUT_RD);  // it is a socket, see ChildProcess
    });
    return absl::OkStatus();
  }

  Figures Report() const {
    Figures figures = ProcessFigures();
    figures["running"] = service_.running;
    for (const Server* server : {server_.get(), limited_.get()}) {
      if (server == nullptr) continue;
      const ServerStats stats = server->Stats();
      for (const MethodStats& method : stats.methods) {
        figures["calls"] += static_cast<int64_t>(method.started);
        figures["in_flight"] += static_cast<int64_t>(method.in_flight);
      }
      for (const TransportStats& transport : stats.transports) {
        figures["connections"] += static_cast<int64_t>(transport.connections);
      }
    }
    return figures;
  }

  int End() {
    for (Server* server : {server_.get(), limited_.get()}) {
      if (server != nullptr) server->Shutdown(absl::Now() + absl::Seconds(10));
    }
    if (waiter_.joinable()) waiter_.join();
    limited_.reset();
    server_.reset();
    if (service_.cut_short == 0 && service_.never_told == 0 && service_.running == 0) return 0;
    std::fprintf(stderr,
                 "handlers: %d left, %ld never told, %ld took another end for that of what their client sends: %s\n",
                 service_.running.load(), static_cast<long>(service_.never_told), static_cast<long>(service_.cut_short),
                 service_.FirstCutShort().c_str());
    return 3;
  }

 private:
  const std::vector<std::string> targets_;
  MixedService service_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Server> limited_;
  std::thread waiter_;
};

int Run(std::vector<std::string> targets) {
  ServerProcess process(std::move(targets));
  std::string line;
  while (std::getline(std::cin, line)) {
    if (line == "serve") {
      const absl::Status status = process.Serve();
      Print(status.ok() ? "ready" : status.ToString());
      if (!status.ok()) return 1;
    }
    if (line == "report") Print(FormatFigures(process.Report()));
  }
  const int result = process.End();
  Print("done");
  return result;
}

}  // namespace
}  // namespace udsrpc::testing

int main(int argc, char** argv) {
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  return udsrpc::testing::Run({arguments.begin() + 1, arguments.end()});
}

// Processes that start a server of one endpoint at the same moment, round by round:
//
//   claim_race TARGET PROCESSES TRANSPORTS      (grpc, seqpacket or both)
//
// With each line that it reads a round begins; it prints "WINNER's pid, servers, refused with ALREADY_EXISTS" and, for
// every other outcome, its status. The winner serves until the next line; with it that server shuts down.

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/test_service.h"
#include "udsrpc/server.h"

namespace {

struct Pipe {
  Pipe() {
    if (pipe(ends) != 0) std::abort();
  }
  ~Pipe() {
    CloseWriting();
    close(ends[0]);
  }
  void CloseWriting() {
    if (ends[1] >= 0) close(ends[1]);
    ends[1] = -1;
  }
  // Blocks until nobody can write any more.
  void AwaitEnd() {
    CloseWriting();
    char byte;
    while (read(ends[0], &byte, 1) > 0) continue;
  }
  int ends[2];
};

struct Outcome {
  pid_t pid;
  absl::StatusCode code;
  char message[200];
};

[[noreturn]] void Compete(const char* target, udsrpc::EndpointOptions options, Pipe& start, Pipe& outcomes,
                          Pipe& stop) {
  udsrpc::testing::TestServiceImpl service;
  udsrpc::ServerBuilder builder;
  builder.AddEndpoint(target, std::move(options)).RegisterService(&service);
  start.AwaitEnd();
  absl::StatusOr<std::unique_ptr<udsrpc::Server>> server = builder.Start();
  Outcome outcome{.pid = getpid(), .code = server.status().code(), .message = {}};
  std::string(server.status().message()).copy(outcome.message, sizeof(outcome.message) - 1);
  if (write(outcomes.ends[1], &outcome, sizeof(outcome)) != sizeof(outcome)) std::abort();
  if (server.ok()) {
    stop.AwaitEnd();
    (*server)->Shutdown(absl::InfinitePast());
    server->reset();
  }
  _exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const int processes = std::atoi(argv[2]);
  const std::string transports = argv[3];
  const udsrpc::EndpointOptions options{.grpc = transports != "seqpacket", .seqpacket = transports != "grpc"};
  std::string line;
  bool more = static_cast<bool>(std::getline(std::cin, line));
  while (more) {
    Pipe start;
    Pipe outcomes;
    Pipe stop;
    std::vector<pid_t> children;
    for (int i = 0; i < processes; ++i) {
      const pid_t child = fork();
      if (child < 0) std::abort();
      if (child == 0) Compete(argv[1], options, start, outcomes, stop);
      children.push_back(child);
    }
    start.CloseWriting();
    outcomes.CloseWriting();
    pid_t winner = 0;
    int servers = 0;
    int refused = 0;
    std::string others;
    for (int i = 0; i < processes; ++i) {
      Outcome outcome;
      if (read(outcomes.ends[0], &outcome, sizeof(outcome)) != sizeof(outcome)) std::abort();
      servers += outcome.code == absl::StatusCode::kOk;
      refused += outcome.code == absl::StatusCode::kAlreadyExists;
      if (outcome.code == absl::StatusCode::kOk) winner = outcome.pid;
      if (outcome.code != absl::StatusCode::kOk && outcome.code != absl::StatusCode::kAlreadyExists) {
        others = outcome.message;
      }
    }
    std::printf("%d %d %d %s\n", winner, servers, refused, others.c_str());
    std::fflush(stdout);
    more = static_cast<bool>(std::getline(std::cin, line));
    stop.CloseWriting();
    for (const pid_t child : children) {
      int status = 0;
      if (waitpid(child, &status, 0) != child || status != 0) std::abort();
    }
  }
  return 0;
}

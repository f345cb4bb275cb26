// What it costs to hold many streams open on one server whose handler is a coroutine: threads, and memory a stream, on
// either side, over both transports. Each stream is used once, so that it is known to be open at both ends, before the
// memory is looked at; it is used again and closed afterwards. The server is a process of its own.
//
//   open_streams [--streams=10000] [--check]
//
// --check: exit with 1 where the server has more than 4 threads, but for those that the gRPC library starts for itself.

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "open_streams.udsrpc.pb.h"
#include "udsrpc/channel.h"
#include "udsrpc/server.h"
#include "udsrpc/spawn.h"
#include "udsrpc/when.h"

ABSL_FLAG(int, streams, 10000, "open at a time, on one channel; at most 16384");
ABSL_FLAG(bool, check, false, "exit with 1 where a target is missed");

namespace udsrpc::benchmarks {
namespace {

constexpr int kMaxThreads = 4;

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "open_streams: %s\n", what);
  std::exit(2);
}

class EchoStreamsImpl final : public EchoStreamsService {
  Task<absl::Status> EchoAsync(ServerContext&, AsyncServerReaderWriter<StreamPayload, StreamPayload> stream) override {
    while (const std::optional<StreamPayload> payload = co_await stream.Read()) {
      if (!co_await stream.Write(*payload)) break;
    }
    co_return absl::OkStatus();
  }
};

// A server of one transport in a process that ends with this one.
pid_t Serve(const std::string& target, Transport transport) {
  int ready[2];
  Require(pipe(ready) == 0, "no pipe");
  const pid_t pid = fork();
  if (pid != 0) {
    char byte;
    Require(read(ready[0], &byte, 1) == 1, "the server did not start");
    return pid;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  EchoStreamsImpl service;
  ServerBuilder builder;
  builder.AddEndpoint(target, {.grpc = transport == Transport::kGrpc, .seqpacket = transport == Transport::kSeqpacket});
  builder.RegisterService(&service);
  absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  Require(server.ok() && write(ready[1], "", 1) == 1, "the server did not start");
  (*server)->Wait();
  std::exit(0);
}

// A line of /proc/PID/status, such as "Threads".
int64_t StatusOf(pid_t pid, absl::string_view key) {
  std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(status, line);) {
    const std::vector<std::string> words = absl::StrSplit(line, absl::ByAnyChar(": \t"), absl::SkipEmpty());
    int64_t value;
    if (words.size() > 1 && words[0] == key && absl::SimpleAtoi(words[1], &value)) return value;
  }
  return 0;
}

// The threads of a process, and those of them that the gRPC library has for itself.
struct Threads {
  int all = 0;
  int of_grpc = 0;
};

Threads ThreadsOf(pid_t pid) {
  Threads threads;
  for (const auto& task : std::filesystem::directory_iterator(absl::StrCat("/proc/", pid, "/task"))) {
    std::ifstream comm(task.path() / "comm");
    std::string name;
    std::getline(comm, name);
    ++threads.all;
    for (const char* prefix : {"grpc_global", "event_engine", "timer_manager", "default-exec", "resolver-exec"}) {
      if (absl::StartsWith(name, prefix)) ++threads.of_grpc;
    }
  }
  return threads;
}

struct Stream {
  explicit Stream(const EchoStreamsStub& stub) : calls(stub.Async().Echo(context)) {}

  ClientContext context;
  AsyncClientReaderWriter<StreamPayload, StreamPayload> calls;
};

Task<> Use(Stream& stream, std::string bytes, bool close) {
  StreamPayload payload;
  payload.set_bytes(std::move(bytes));
  Require(co_await stream.calls.Write(payload), "a write failed");
  const std::optional<StreamPayload> echo = co_await stream.calls.Read();
  Require(echo && echo->bytes() == payload.bytes(), "another message came back");
  if (!close) co_return;
  Require(co_await stream.calls.WritesDone(), "a half-close failed");
  Require((co_await stream.calls.Finish()).ok(), "a stream failed");
}

absl::Duration UseAll(std::deque<Stream>& streams, bool close) {
  const absl::Time start = absl::Now();
  std::vector<Task<>> uses;
  for (size_t i = 0; i < streams.size(); ++i) uses.push_back(Use(streams[i], absl::StrCat(i), close));
  SyncWait(WhenAll(std::move(uses)));
  return absl::Now() - start;
}

// Whether the target is met.
bool Run(Transport transport) {
  const std::string target = absl::StrCat("unix-abstract:udsrpc.open_streams.", getpid());
  const pid_t server = Serve(target, transport);
  const EchoStreamsStub stub(*CreateChannel(target, {.transport = transport}));
  const int count = absl::GetFlag(FLAGS_streams);
  std::deque<Stream> streams;
  streams.emplace_back(stub);
  UseAll(streams, /*close=*/true);  // what is made once for all
  streams.clear();
  const int64_t server_kb = StatusOf(server, "VmRSS");
  const int64_t client_kb = StatusOf(getpid(), "VmRSS");
  for (int i = 0; i < count; ++i) streams.emplace_back(stub);
  const absl::Duration opened = UseAll(streams, /*close=*/false);
  const Threads threads = ThreadsOf(server);
  const auto bytes_each = [count](int64_t kb) { return static_cast<double>(kb) * 1024 / count; };
  std::printf(
      "%-10s %d streams open: server %d threads and %d of gRPC's own, %.0f bytes a stream; "
      "client %.0f bytes a stream; ",
      transport == Transport::kGrpc ? "grpc" : "seqpacket", count, threads.all - threads.of_grpc, threads.of_grpc,
      bytes_each(StatusOf(server, "VmRSS") - server_kb), bytes_each(StatusOf(getpid(), "VmRSS") - client_kb));
  const absl::Duration closed = UseAll(streams, /*close=*/true);
  std::printf("opened and used in %.0f ms, used and closed in %.0f ms\n", absl::ToDoubleMilliseconds(opened),
              absl::ToDoubleMilliseconds(closed));
  std::fflush(stdout);
  streams.clear();
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
  return threads.all - threads.of_grpc <= kMaxThreads;
}

}  // namespace
}  // namespace udsrpc::benchmarks

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Many streams open at a time on one server.");
  absl::ParseCommandLine(argc, argv);
  bool met = true;
  // Seqpacket first: a process that has used gRPC is not to be forked.
  for (const auto transport : {udsrpc::Transport::kSeqpacket, udsrpc::Transport::kGrpc}) {
    met = udsrpc::benchmarks::Run(transport) && met;
  }
  return !absl::GetFlag(FLAGS_check) || met ? 0 : 1;
}

// What it costs to have many unary calls outstanding on one channel: through blocking threads, through callbacks, and
// through coroutines; over both transports, and over gRPC through its own generated stub as well. In turns, so that
// what else the machine does hits all alike. CPU is that of this process and the server's, kernel time included, a
// call.
//
//   async_calls [--outstanding=256] [--seconds=1] [--rounds=5] [--check]
//
// --check: exit with 1 unless coroutines cost at most 1 us more CPU a call than callbacks, on each transport, and
// callbacks make at least 3 times as many calls a second as threads: over gRPC as many times as with its own stub,
// where the library itself does not come to that.

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "async_calls.udsrpc.pb.h"
#include "benchmarks/async_calls_stock.h"
#include "udsrpc/channel.h"
#include "udsrpc/server.h"
#include "udsrpc/spawn.h"
#include "udsrpc/task.h"

ABSL_FLAG(int, outstanding, 256, "calls under way at a time");
ABSL_FLAG(double, seconds, 1, "of each measurement");
ABSL_FLAG(int, rounds, 5, "measurements of each kind, of which the median is told");
ABSL_FLAG(bool, check, false, "exit with 1 where a target is missed");

namespace udsrpc::benchmarks {
namespace {

void Require(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "async_calls: %s\n", status.ToString().c_str());
  std::exit(2);
}

class EchoesImpl final : public EchoesService {
  absl::Status Echo(ServerContext&, const EchoPayload& request, EchoPayload& reply) override {
    reply.set_bytes(request.bytes());
    return absl::OkStatus();
  }
};

// A server in a process of its own, which ends with this one.
pid_t Serve(const std::string& target) {
  int ready[2];
  if (pipe(ready) != 0) std::abort();
  const pid_t pid = fork();
  if (pid != 0) {
    char byte;
    if (read(ready[0], &byte, 1) != 1) std::exit(2);
    return pid;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  EchoesImpl service;
  ServerBuilder builder;
  builder.AddEndpoint(target).RegisterService(&service);
  absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  Require(server.status());
  if (write(ready[1], "", 1) != 1) std::exit(2);
  (*server)->Wait();
  std::exit(0);
}

double CpuMicrosecondsOf(clockid_t clock) {
  timespec used;
  if (clock_gettime(clock, &used) != 0) std::abort();
  return static_cast<double>(used.tv_sec) * 1e6 + static_cast<double>(used.tv_nsec) / 1e3;
}

constexpr absl::Duration kTimeout = absl::Seconds(10);

// What the calls of a measurement share.
struct Load {
  const EchoesStub& stub;
  EchoPayload request = {};
  std::atomic<bool> stop{false};
  std::atomic<int64_t> calls{0};

  void Arm(ClientContext& context) { context.set_timeout(kTimeout); }
  // A call has ended. Whether to make another.
  bool Next(const absl::Status& status, const EchoPayload& reply) {
    Require(status);
    return Next(reply.bytes());
  }
  bool Next(const std::string& reply) {
    if (reply != request.bytes()) Require(absl::DataLossError("another reply"));
    calls.fetch_add(1, std::memory_order_relaxed);
    return !stop.load(std::memory_order_relaxed);
  }
};

class CallbackCaller {
 public:
  CallbackCaller(Load& load, absl::BlockingCounter& ended) : load_(load), ended_(ended) {}

  void Call() {
    context_ = std::make_unique<ClientContext>();
    load_.Arm(*context_);
    load_.stub.Async().Echo(*context_, load_.request, reply_, [this](absl::Status status) {
      if (load_.Next(status, reply_)) {
        Call();
      } else {
        ended_.DecrementCount();
      }
    });
  }

 private:
  Load& load_;
  absl::BlockingCounter& ended_;
  std::unique_ptr<ClientContext> context_;
  EchoPayload reply_;
};

Task<> CallByCoroutine(Load& load) {
  for (;;) {
    ClientContext context;
    load.Arm(context);
    const absl::StatusOr<EchoPayload> reply = co_await load.stub.Async().Echo(context, load.request);
    Require(reply.status());
    if (!load.Next(absl::OkStatus(), *reply)) co_return;
  }
}

enum class Face { kThreads, kCallbacks, kCoroutines, kStockThreads, kStockCallbacks };
constexpr const char* kFaceNames[] = {"threads", "callbacks", "coroutines", "stock threads", "stock callbacks"};
constexpr int kFaces = 5;

struct Figures {
  double calls_per_second;
  double cpu_us_per_call;
};

Figures Measure(const EchoesStub& stub, const StockEchoes& stock, Face face, clockid_t server_clock) {
  const int outstanding = absl::GetFlag(FLAGS_outstanding);
  Load load{.stub = stub};
  load.request.set_bytes(std::string(60, 'x'));
  const double cpu = CpuMicrosecondsOf(CLOCK_PROCESS_CPUTIME_ID) + CpuMicrosecondsOf(server_clock);
  const absl::Time start = absl::Now();
  absl::BlockingCounter ended(outstanding);
  const auto next = [&load](const std::string& reply) { return load.Next(reply); };
  std::vector<std::thread> threads;
  std::vector<std::unique_ptr<CallbackCaller>> callers;
  for (int i = 0; i < outstanding; ++i) {
    switch (face) {
      case Face::kThreads:
        threads.emplace_back([&] {
          EchoPayload reply;
          bool again = true;
          while (again) {
            ClientContext context;
            load.Arm(context);
            const absl::Status status = load.stub.Echo(context, load.request, reply);
            again = load.Next(status, reply);
          }
          ended.DecrementCount();
        });
        break;
      case Face::kCallbacks:
        callers.push_back(std::make_unique<CallbackCaller>(load, ended));
        callers.back()->Call();
        break;
      case Face::kCoroutines:
        Spawn(CallByCoroutine(load), [&ended] { ended.DecrementCount(); });
        break;
      case Face::kStockThreads:
        threads.emplace_back([&] {
          stock.CallBlocking(load.request.bytes(), kTimeout, next);
          ended.DecrementCount();
        });
        break;
      case Face::kStockCallbacks:
        stock.CallWithCallbacks(load.request.bytes(), kTimeout, next, [&ended] { ended.DecrementCount(); });
        break;
    }
  }
  absl::SleepFor(absl::Seconds(absl::GetFlag(FLAGS_seconds)));
  load.stop = true;
  ended.Wait();
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  const auto calls = static_cast<double>(load.calls.load());
  const double used = CpuMicrosecondsOf(CLOCK_PROCESS_CPUTIME_ID) + CpuMicrosecondsOf(server_clock) - cpu;
  for (std::thread& thread : threads) thread.join();
  return {.calls_per_second = calls / seconds, .cpu_us_per_call = used / calls};
}

Figures MedianOf(std::vector<Figures> figures) {
  std::sort(figures.begin(), figures.end(),
            [](const Figures& a, const Figures& b) { return a.calls_per_second < b.calls_per_second; });
  return figures[figures.size() / 2];
}

// Whether the targets are met.
bool Run(Transport transport, const std::string& target, clockid_t server_clock) {
  const EchoesStub stub(*CreateChannel(target, {.transport = transport}));
  const StockEchoes stock(target);
  const int faces = transport == Transport::kGrpc ? kFaces : static_cast<int>(Face::kStockThreads);
  std::vector<Figures> figures[kFaces];
  for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
    for (int face = 0; face < faces; ++face) {
      figures[face].push_back(Measure(stub, stock, static_cast<Face>(face), server_clock));
    }
  }
  Figures medians[kFaces] = {};
  for (int face = 0; face < faces; ++face) {
    medians[face] = MedianOf(figures[face]);
    std::printf("%-10s %-15s %9.0f calls/s  %5.2f x threads  %6.2f us CPU/call\n",
                transport == Transport::kGrpc ? "grpc" : "seqpacket", kFaceNames[face], medians[face].calls_per_second,
                medians[face].calls_per_second / medians[0].calls_per_second, medians[face].cpu_us_per_call);
  }
  std::fflush(stdout);
  double wanted_ratio = 3;
  if (transport == Transport::kGrpc) {
    wanted_ratio = std::min(wanted_ratio, medians[4].calls_per_second / medians[3].calls_per_second);
  }
  return medians[1].calls_per_second >= wanted_ratio * medians[0].calls_per_second &&
         medians[2].cpu_us_per_call <= medians[1].cpu_us_per_call + 1;
}

int Main() {
  const std::string target = absl::StrCat("unix-abstract:udsrpc.async_calls.", getpid());
  const pid_t server = Serve(target);
  clockid_t server_clock;
  if (clock_getcpuclockid(server, &server_clock) != 0) std::abort();
  bool met = true;
  for (const Transport transport : {Transport::kSeqpacket, Transport::kGrpc}) {
    met = Run(transport, target, server_clock) && met;
  }
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
  return !absl::GetFlag(FLAGS_check) || met ? 0 : 1;
}

}  // namespace
}  // namespace udsrpc::benchmarks

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Many unary calls at a time, through each of the client's faces.");
  absl::ParseCommandLine(argc, argv);
  return udsrpc::benchmarks::Main();
}

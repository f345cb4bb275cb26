// Either end of a system that the suite measures. suite/run.py starts both.
//
//   bench_X SYSTEM serve PATH
//     Prints "ready" when clients can connect, and serves until its input ends.
//   bench_X SYSTEM measure PATH WORKLOAD --server_pid=PID [--warmup=0.1] [--seconds=1]
//     Prints a line of JSON: the figures, or {"unsupported": true}.
//   bench_X list
//     Prints the systems that there are, and the workloads.

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "benchmarks/suite/system.h"
#include "benchmarks/suite/workloads.h"

ABSL_FLAG(int, server_pid, 0, "the server's process, whose CPU time counts");
ABSL_FLAG(double, warmup, 0.1, "seconds ahead of the measurement");
ABSL_FLAG(double, seconds, 1, "of the measurement");

namespace udsrpc::benchmarks {
namespace {

template <typename Named>
const Named& Find(const std::vector<Named>& all, const std::string& name) {
  for (const Named& one : all) {
    if (one.name == name) return one;
  }
  Fail("there is no " + name);
}

// Ten thousand connections need as many descriptors.
void RaiseDescriptorLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int Serve(const System& system, const std::string& path) {
  const auto server = system.serve(path);
  std::puts("ready");
  std::fflush(stdout);
  for (char byte; read(STDIN_FILENO, &byte, 1) > 0;) continue;
  return 0;
}

std::chrono::nanoseconds Nanoseconds(double seconds) {
  return std::chrono::nanoseconds(static_cast<int64_t>(seconds * 1e9));
}

int Measure(const System& system, const std::string& path, const Workload& workload) {
  const std::optional<Figures> figures = workload.measure({.system = system,
                                                           .path = path,
                                                           .server = absl::GetFlag(FLAGS_server_pid),
                                                           .warmup = Nanoseconds(absl::GetFlag(FLAGS_warmup)),
                                                           .time = Nanoseconds(absl::GetFlag(FLAGS_seconds))});
  std::string json;
  for (const auto& [name, value] : figures.value_or(Figures())) {
    char number[32];
    std::snprintf(number, sizeof(number), "%.3f", value);
    json += (json.empty() ? "\"" : ", \"") + name + "\": " + number;
  }
  std::printf("{%s}\n", figures ? json.c_str() : "\"unsupported\": true");
  std::fflush(stdout);
  return 0;
}

int List() {
  for (const System& system : Systems()) std::printf("system %s\n", system.name.c_str());
  for (const Workload& workload : Workloads()) std::printf("workload %s\n", workload.name.c_str());
  return 0;
}

int Main(const std::vector<std::string>& arguments) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  RaiseDescriptorLimit();
  if (arguments.size() == 1 && arguments[0] == "list") return List();
  if (arguments.size() == 3 && arguments[1] == "serve") return Serve(Find(Systems(), arguments[0]), arguments[2]);
  if (arguments.size() == 4 && arguments[1] == "measure") {
    return Measure(Find(Systems(), arguments[0]), arguments[2], Find(Workloads(), arguments[3]));
  }
  Fail("want SYSTEM serve PATH, SYSTEM measure PATH WORKLOAD, or list");
}

}  // namespace
}  // namespace udsrpc::benchmarks

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Either end of an RPC system that is measured.");
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  return udsrpc::benchmarks::Main({arguments.begin() + 1, arguments.end()});
}

#ifndef UDSRPC_BENCHMARKS_SUITE_WORKLOADS_H_
#define UDSRPC_BENCHMARKS_SUITE_WORKLOADS_H_

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/suite/system.h"

namespace udsrpc::benchmarks {

// One measurement: of what, where, and for how long.
struct Measurement {
  const System& system;
  std::string path;
  pid_t server;
  std::chrono::nanoseconds warmup;
  std::chrono::nanoseconds time;
};

// Named, in the order in which they are printed.
using Figures = std::vector<std::pair<std::string, double>>;

struct Workload {
  std::string name;
  // Nothing where the system has nothing like it.
  std::optional<Figures> (*measure)(const Measurement& measurement);
};

const std::vector<Workload>& Workloads();

}  // namespace udsrpc::benchmarks

#endif  // UDSRPC_BENCHMARKS_SUITE_WORKLOADS_H_

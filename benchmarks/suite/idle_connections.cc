#include "benchmarks/suite/idle_connections.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/suite/blocking_callers.h"
#include "benchmarks/suite/measure.h"

namespace udsrpc::benchmarks {
namespace {

constexpr size_t kConnections = 10'000;
constexpr size_t kSpareDescriptors = 500;
// So many have to do, where ten thousand would take more than a few seconds.
constexpr size_t kFewConnections = 1'000;
constexpr std::chrono::milliseconds kPatienceForFew{500};
constexpr int kWindows = 3;

// Memory that a process has for itself alone, what the kernel keeps for its sockets not included.
double PrivateBytes(pid_t pid) {
  std::ifstream rollup("/proc/" + std::to_string(pid) + "/smaps_rollup");
  for (std::string line; std::getline(rollup, line);) {
    std::istringstream words(line);
    std::string key;
    double kilobytes;
    if (words >> key >> kilobytes && key == "Private_Dirty:") return kilobytes * 1024;
  }
  Fail("cannot read how much memory the server uses");
}

size_t OpenFiles(pid_t pid) {
  const auto files = std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd");
  return static_cast<size_t>(std::distance(begin(files), end(files)));
}

// How many connections the limit of open files leaves room for, where `open` of them are.
size_t Attainable(const Measurement& measurement, size_t open) {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) Fail("cannot tell how many files may be open");
  const size_t files = std::max(OpenFiles(measurement.server), OpenFiles(getpid()));
  return open * (limit.rlim_cur - kSpareDescriptors) / files;
}

std::vector<std::unique_ptr<Connection>> OpenMany(const Measurement& measurement) {
  std::vector<std::unique_ptr<Connection>> connections;
  const Clock::time_point start = Clock::now();
  size_t wanted = kConnections;
  while (connections.size() < wanted) {
    connections.push_back(Connected(measurement));
    if (connections.size() != kFewConnections) continue;
    if (Clock::now() - start > kPatienceForFew) break;
    wanted = std::min(wanted, Attainable(measurement, kFewConnections));
  }
  return connections;
}

double FigureOf(const Figures& figures, const std::string& name) {
  for (const auto& [key, value] : figures) {
    if (key == name) return value;
  }
  Fail("there is no figure " + name);
}

}  // namespace

std::optional<Figures> IdleConnections(const Measurement& measurement) {
  if (measurement.system.bare) return std::nullopt;
  const std::string payload(64, 'x');
  const auto connection = Connected(measurement);
  // The best of several, as the machine's own pace changes by more than what connections are to cost.
  const auto one_caller = [&] {
    Figures best;
    for (int i = 0; i < kWindows; ++i) {
      Figures figures = *MeasureLoad(measurement, [&](Load& load) { EchoUntilOver(*connection, payload, load); });
      if (best.empty() || FigureOf(figures, "p50_us") < FigureOf(best, "p50_us")) best = std::move(figures);
    }
    return best;
  };
  const double alone = FigureOf(one_caller(), "p50_us");
  const double server = PrivateBytes(measurement.server);
  const double client = PrivateBytes(getpid());
  const auto idle = OpenMany(measurement);
  const auto each = [&](double bytes) { return bytes / static_cast<double>(idle.size()); };
  const double server_each = each(PrivateBytes(measurement.server) - server);
  const double client_each = each(PrivateBytes(getpid()) - client);
  Figures figures = one_caller();
  const double beside = FigureOf(figures, "p50_us");
  figures.insert(figures.end(), {{"p50_alone_us", alone},
                                 {"p50_beside_by_alone", beside / alone},
                                 {"idle_connections", static_cast<double>(idle.size())},
                                 {"idle_client_bytes", client_each},
                                 {"idle_server_bytes", server_each}});
  return figures;
}

}  // namespace udsrpc::benchmarks

#include "benchmarks/suite/workloads.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "benchmarks/suite/blocking_callers.h"
#include "benchmarks/suite/idle_connections.h"
#include "benchmarks/suite/measure.h"

namespace udsrpc::benchmarks {
namespace {

constexpr size_t kSmall = 64;
constexpr size_t kMebibyte = 1 << 20;
constexpr size_t kUploadChunk = 64 << 10;
constexpr uint64_t kUploadBytes = 64 * kMebibyte;

std::optional<Figures> OneCaller(const Measurement& measurement) {
  const auto connection = Connected(measurement);
  return MeasureLoad(measurement, [&](Load& load) { EchoUntilOver(*connection, std::string(kSmall, 'x'), load); });
}

std::optional<Figures> LongMessages(const Measurement& measurement) {
  if (measurement.system.bare) return std::nullopt;
  const auto connection = Connected(measurement);
  return MeasureLoad(measurement, [&](Load& load) { EchoUntilOver(*connection, std::string(kMebibyte, 'x'), load); });
}

// A third process wants a CPU all the time.
std::optional<Figures> BusyNeighbour(const Measurement& measurement) {
  const Burner burner;  // before the system starts threads, which a fork would not have
  return OneCaller(measurement);
}

std::optional<Figures> ManyConnections(const Measurement& measurement) {
  constexpr int kConnections = 16;
  std::vector<std::unique_ptr<Connection>> connections;
  for (int i = 0; i < kConnections; ++i) connections.push_back(Connected(measurement));
  return MeasureLoad(measurement, [&](Load& load) {
    std::vector<std::thread> callers;
    for (const auto& connection : connections) {
      callers.emplace_back([&] { EchoUntilOver(*connection, std::string(kSmall, 'x'), load); });
    }
    for (std::thread& caller : callers) caller.join();
  });
}

template <int kOutstanding>
std::optional<Figures> ManyCalls(const Measurement& measurement) {
  if (measurement.system.bare) return std::nullopt;
  const auto connection = Connected(measurement);
  return MeasureLoad(measurement,
                     [&](Load& load) { return connection->EchoMany(kOutstanding, std::string(kSmall, 'x'), load); });
}

// What calls suffer from another one whose handler takes its time.
std::optional<Figures> SlowHandler(const Measurement& measurement) {
  if (measurement.system.bare) return std::nullopt;
  const auto connection = Connected(measurement);
  return MeasureLoad(measurement, [&](Load& load) {
    load.set_slow(/*every=*/100, std::chrono::milliseconds(10));
    return connection->EchoMany(/*outstanding=*/16, std::string(kSmall, 'x'), load);
  });
}

std::optional<Figures> Download(const Measurement& measurement) {
  const auto connection = Connected(measurement);
  return MeasureLoad(measurement, [&](Load& load) { return connection->Download(std::string(kSmall, 'x'), load); });
}

std::optional<Figures> PingPong(const Measurement& measurement) {
  const auto connection = Connected(measurement);
  return MeasureLoad(measurement, [&](Load& load) { return connection->PingPong(std::string(kSmall, 'x'), load); });
}

// The uploads are few and long, so the interval is made of whole ones.
std::optional<Figures> Upload(const Measurement& measurement) {
  const auto connection = Connected(measurement);
  const std::string chunk(kUploadChunk, 'x');
  Load load = LoadOf(measurement);
  Interval interval(load, measurement.server);
  do {
    if (!connection->Upload(chunk, kUploadBytes)) return std::nullopt;
  } while (Clock::now() < load.from());
  interval.Begin();
  Clock::time_point now = Clock::now();
  do {
    connection->Upload(chunk, kUploadBytes);
    now = load.Record(now);
  } while (now < load.until());
  interval.End();
  return FiguresOf(load, interval);
}

}  // namespace

const std::vector<Workload>& Workloads() {
  static const auto* const workloads = new std::vector<Workload>{
      {"unary-64B-1", OneCaller},      {"unary-64B-1-pinned", OneCaller},  // whoever starts the two processes pins them
      {"unary-64B-16", ManyCalls<16>}, {"unary-64B-256", ManyCalls<256>}, {"unary-64B-16conn", ManyConnections},
      {"stream-64B", Download},        {"pingpong-64B", PingPong},        {"unary-1MiB-1", LongMessages},
      {"upload-64MiB-1", Upload},      {"idle-10k", IdleConnections},     {"busy-neighbour", BusyNeighbour},
      {"slow-handler", SlowHandler},
  };
  return *workloads;
}

}  // namespace udsrpc::benchmarks

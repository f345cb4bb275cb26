#include "benchmarks/suite/blocking_callers.h"

#include <chrono>
#include <thread>
#include <vector>

namespace udsrpc::benchmarks {

void EchoUntilOver(Connection& connection, const std::string& payload, Load& load) {
  Clock::time_point start = Clock::now();
  while (!load.over()) {
    const std::chrono::microseconds sleep = load.NextSleep();
    connection.Echo(payload, sleep);
    start = sleep.count() == 0 ? load.Record(start) : Clock::now();
  }
}

void EchoByThreads(int threads, Connection& connection, const std::string& payload, Load& load) {
  std::vector<std::thread> callers;
  for (int i = 0; i < threads; ++i) callers.emplace_back([&] { EchoUntilOver(connection, payload, load); });
  for (std::thread& caller : callers) caller.join();
}

}  // namespace udsrpc::benchmarks

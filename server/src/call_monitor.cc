#include "server/src/call_monitor.h"

#include "common/src/stats/read_method_stats.h"
#include "common/src/stats/tick_clock.h"

namespace udsrpc {

CallMonitor::CallMonitor() {
  TickClock::Calibrate();
  counters_.emplace(nullptr, std::make_unique<CallCounters>());
}

void CallMonitor::AddMethod(const ServerMethod& method) {
  methods_.push_back(&method);
  counters_.emplace(&method, std::make_unique<CallCounters>());
}

std::vector<MethodStats> CallMonitor::Read() const {
  std::vector<MethodStats> all;
  for (const ServerMethod* method : methods_) {
    all.push_back(ReadMethodStats(method->path(), *counters_.find(method)->second));
  }
  all.push_back(ReadMethodStats("", *counters_.find(nullptr)->second));
  return all;
}

}  // namespace udsrpc

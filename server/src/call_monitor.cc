#include "server/src/call_monitor.h"

#include <string>
#include <utility>

#include "common/src/stats/tick_clock.h"

namespace udsrpc {
namespace {

MethodStats StatsOf(std::string method, const CallCounters& counters) {
  CallCounters::Totals totals = counters.Read();
  MethodStats stats{.method = std::move(method),
                    .started = totals.started,
                    .in_flight = totals.started - totals.ended,
                    .ended = {},
                    .received_messages = totals.received_messages,
                    .received_bytes = totals.received_bytes,
                    .sent_messages = totals.sent_messages,
                    .sent_bytes = totals.sent_bytes,
                    .latency = std::move(totals.latency)};
  for (size_t code = 0; code < totals.ended_by_code.size(); ++code) {
    if (totals.ended_by_code[code] == 0) continue;
    stats.ended.emplace(static_cast<absl::StatusCode>(code), totals.ended_by_code[code]);
  }
  return stats;
}

}  // namespace

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
  for (const ServerMethod* method : methods_) all.push_back(StatsOf(method->path(), *counters_.find(method)->second));
  all.push_back(StatsOf("", *counters_.find(nullptr)->second));
  return all;
}

}  // namespace udsrpc

#include "common/src/stats/read_method_stats.h"

#include <utility>

namespace udsrpc {

MethodStats ReadMethodStats(std::string method, const CallCounters& counters) {
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

}  // namespace udsrpc

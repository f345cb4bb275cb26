#ifndef UDSRPC_COMMON_STATS_READ_METHOD_STATS_H_
#define UDSRPC_COMMON_STATS_READ_METHOD_STATS_H_

#include <string>

#include "common/src/stats/call_counters.h"
#include "udsrpc/method_stats.h"

namespace udsrpc {

// What `counters` say now, as of `method`.
MethodStats ReadMethodStats(std::string method, const CallCounters& counters);

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_STATS_READ_METHOD_STATS_H_

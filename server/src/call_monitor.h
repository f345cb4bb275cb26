#ifndef UDSRPC_SERVER_CALL_MONITOR_H_
#define UDSRPC_SERVER_CALL_MONITOR_H_

#include <atomic>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/src/stats/call_counters.h"
#include "udsrpc/internal/server_monitor.h"
#include "udsrpc/server_stats.h"
#include "udsrpc/service.h"

namespace udsrpc {

// What is counted of a server's calls, method by method, and who is told when they end. Its methods are constant once
// the server has started; thread-safe from then on.
class CallMonitor {
 public:
  CallMonitor();

  void AddMethod(const ServerMethod& method);
  // `method` was added, or is null: all calls of methods that the server does not have.
  CallCounters& CountersOf(const ServerMethod* method) { return *counters_.find(method)->second; }

  // See ServerStats::methods.
  std::vector<MethodStats> Read() const;

  // See internal::ServerMonitor. Null: nobody.
  void SetListener(internal::CallEndListener* listener) { listener_.store(listener, std::memory_order_release); }
  internal::CallEndListener* listener() const { return listener_.load(std::memory_order_acquire); }

 private:
  std::vector<const ServerMethod*> methods_;
  absl::flat_hash_map<const ServerMethod*, std::unique_ptr<CallCounters>> counters_;
  std::atomic<internal::CallEndListener*> listener_{nullptr};
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_CALL_MONITOR_H_

#ifndef UDSRPC_BENCHMARKS_SUITE_IDLE_CONNECTIONS_H_
#define UDSRPC_BENCHMARKS_SUITE_IDLE_CONNECTIONS_H_

#include <optional>

#include "benchmarks/suite/workloads.h"

namespace udsrpc::benchmarks {

// What ten thousand connections cost that do nothing, each used once: memory of either side, and the latency of one
// caller beside them.
std::optional<Figures> IdleConnections(const Measurement& measurement);

}  // namespace udsrpc::benchmarks

#endif  // UDSRPC_BENCHMARKS_SUITE_IDLE_CONNECTIONS_H_

#ifndef UDSRPC_TOOLS_PROMETHEUS_H_
#define UDSRPC_TOOLS_PROMETHEUS_H_

#include <string>

#include "udsrpc/v1/introspection.pb.h"

namespace udsrpc::tools {

// What a server has counted in Prometheus' text format, version 0.0.4.
std::string PrometheusText(const v1::GetStatsResponse& stats);

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_PROMETHEUS_H_

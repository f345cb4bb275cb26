#ifndef UDSRPC_TOOLS_TOP_FRAME_H_
#define UDSRPC_TOOLS_TOP_FRAME_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "udsrpc/v1/introspection.pb.h"

namespace udsrpc::tools {

// What the methods are sorted by, most first; by their names in alphabetical order.
enum class TopOrder { kCalls, kErrors, kInFlight, kLatency, kMethod };

// The order that a key stands for, or nothing.
std::optional<TopOrder> TopOrderOf(char key);

// What a server has done between two looks at it: lines for a terminal. Without `before`, since it started. Of methods
// those that were called meanwhile or have calls in flight, and of peers likewise.
std::vector<std::string> TopFrame(absl::string_view target, const v1::GetStatsResponse* before,
                                  const v1::GetStatsResponse& now, TopOrder order);

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_TOP_FRAME_H_

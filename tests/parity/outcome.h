#ifndef UDSRPC_TESTS_PARITY_OUTCOME_H_
#define UDSRPC_TESTS_PARITY_OUTCOME_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace udsrpc::parity {

// Metadata, or payloads by their type URL.
using Entries = std::vector<std::pair<std::string, std::string>>;

// A status as both stacks can express it.
struct Outcome {
  absl::StatusCode code = absl::StatusCode::kOk;
  std::string message = {};
  Entries payloads = {};
};

// The type URL of status details that are no google.rpc.Status. udsrpc shows such details so; stock programs send and
// see the bytes alone.
inline constexpr char kOpaqueDetails[] = "udsrpc/grpc-status-details-bin";

}  // namespace udsrpc::parity

#endif  // UDSRPC_TESTS_PARITY_OUTCOME_H_

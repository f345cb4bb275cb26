#ifndef UDSRPC_TOOLS_REPLAY_RUN_H_
#define UDSRPC_TOOLS_REPLAY_RUN_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "udsrpc/channel.h"
#include "udsrpc/v1/introspection.pb.h"

namespace udsrpc::tools {

// How a recorded call went that was made again.
struct ReplayedCall {
  const v1::CallEvent* recorded = nullptr;
  absl::StatusCode code = absl::StatusCode::kUnknown;
  absl::Duration latency = absl::ZeroDuration();  // as its client has it
  bool made = false;                              // not when it was interrupted before
};

struct ReplayOptions {
  double speed = 1;  // 0: without pauses
  int callers = 64;
  absl::Duration timeout = absl::Seconds(10);  // of each call
  int interrupt_fd = -1;                       // no more calls are made once it is readable
};

// Makes the calls that have all their requests again, each as long after the first one began as it was recorded,
// divided by the speed, or when one of so many threads is free. Blocks until they have ended. `calls` must outlive the
// result.
std::vector<ReplayedCall> Replay(const std::vector<v1::CallEvent>& calls, const std::shared_ptr<Channel>& channel,
                                 const ReplayOptions& options);

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_REPLAY_RUN_H_

#ifndef UDSRPC_SERVER_ACCEPT_TROUBLE_H_
#define UDSRPC_SERVER_ACCEPT_TROUBLE_H_

#include <chrono>
#include <string>

#include "absl/status/status.h"

namespace udsrpc {

// What there is to say of listeners that cannot take connections, as one process's cannot at the same time: once when
// it begins, and once when it is over, however often it is tried meanwhile; and nothing of what begins soon after
// another. Makes no system call. Not thread-safe.
class AcceptTrouble {
 public:
  using Clock = std::chrono::steady_clock;

  // accept(2) has failed with `error`. The line to say; empty: none.
  std::string OnFailed(const std::string& endpoint, int error, Clock::time_point now);
  // None has failed any more.
  std::string OnAccepted();
  // A connection was closed, as its transport could not take it.
  std::string OnDropped(const std::string& endpoint, const absl::Status& why, Clock::time_point now);

 private:
  // Whether it is long ago that something was said.
  bool MaySay(Clock::time_point now);

  bool failing_ = false;
  std::string endpoint_;  // whose listener failed first
  bool said_so_ = false;
  Clock::time_point quiet_until_{};
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_ACCEPT_TROUBLE_H_

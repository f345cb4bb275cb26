#ifndef UDSRPC_CLIENT_RETRY_PAUSE_H_
#define UDSRPC_CLIENT_RETRY_PAUSE_H_

#include <algorithm>
#include <cerrno>

#include "absl/random/random.h"
#include "absl/time/time.h"

namespace udsrpc {

// How long a call without a deadline waits for room in a full backlog. A server that accepts nothing for so long is
// stuck; gRPC's own limit for a connection attempt is 20 s.
inline constexpr absl::Duration kBacklogPatience = absl::Seconds(20);
// The kernel wakes nobody but the thread that blocks in connect for such room, so that looks up from it so often, for
// calls that are cancelled.
inline constexpr absl::Duration kBacklogSlice = absl::Milliseconds(20);

// Between the attempts to connect of a call that waits for ready: an attempt costs the host microseconds, so the pauses
// are far shorter than gRPC's, which start at a second. They grow to a quarter of a second and are jittered by a fifth
// either way.
class RetryPause {
 public:
  absl::Duration Next() {
    thread_local absl::BitGen random;
    const absl::Duration pause = next_;
    next_ = std::min(next_ * 1.6, absl::Milliseconds(250));
    return pause * absl::Uniform(random, 0.8, 1.2);
  }

  // Whether, where connect(2) failed with `error`, a server that starts or goes on accepting would mend it; or bind(2),
  // the end of who has the address (EADDRINUSE). What a missing permission or a socket of another type refuses now it
  // will refuse again.
  static bool IsWorthwhile(int error) {
    return error == ENOENT || error == ENOTDIR || error == ECONNREFUSED || error == EAGAIN || error == EADDRINUSE;
  }

 private:
  absl::Duration next_ = absl::Milliseconds(5);
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_RETRY_PAUSE_H_

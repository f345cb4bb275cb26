#ifndef UDSRPC_CHANNEL_STATS_H_
#define UDSRPC_CHANNEL_STATS_H_

#include <vector>

#include "udsrpc/method_stats.h"

namespace udsrpc {

// What a channel has counted since it was made, over whichever transport: see Channel::Stats. A call is counted from
// when it is made, or of an asynchronous unary one prepared, until its caller gets its status: who has that finds the
// call counted. The status is the caller's, and so is the time: to connect, to wait for a server and to be made again
// on another connection belong to the one call. A call that is let go of before (its stream is destroyed ahead of
// Finish) has ended with CANCELLED. Those that fail before anything is sent are counted likewise; one for which there
// was no thread, and which threw, with RESOURCE_EXHAUSTED.
struct ChannelStats {
  // Those that were called, by name; and last the one without a name: calls of further methods, once the channel has
  // counted as many as it has places for (256), and of names that are empty or longer than 1,024 bytes.
  std::vector<MethodStats> methods;
};

}  // namespace udsrpc

#endif  // UDSRPC_CHANNEL_STATS_H_

#ifndef UDSRPC_METHOD_STATS_H_
#define UDSRPC_METHOD_STATS_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "udsrpc/latency_histogram.h"

namespace udsrpc {

// What a server, or a channel, has counted of the calls of one method: see Server::Stats and Channel::Stats. A value.
struct MethodStats {
  // "/package.Service/Method". Empty: of all calls of methods that the server does not have, whatever they named; of
  // those for which the channel has no place.
  std::string method;
  uint64_t started = 0;
  // Of these, those that have not ended. `started` less the sum of `ended`.
  uint64_t in_flight = 0;
  // By the status that they ended with; those that did not occur are left out.
  std::map<absl::StatusCode, uint64_t> ended;
  // Of calls that have ended: messages that handlers, or callers, have read and written, and the bytes of their
  // encodings.
  uint64_t received_messages = 0;
  uint64_t received_bytes = 0;
  uint64_t sent_messages = 0;
  uint64_t sent_bytes = 0;
  // Of calls that have ended, with whatever status, from first to last: of a stream, as long as it was open.
  LatencyHistogram latency;
};

}  // namespace udsrpc

#endif  // UDSRPC_METHOD_STATS_H_

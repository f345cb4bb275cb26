#ifndef UDSRPC_SERVER_INTROSPECTION_STATS_MESSAGE_H_
#define UDSRPC_SERVER_INTROSPECTION_STATS_MESSAGE_H_

#include "absl/time/time.h"
#include "udsrpc/server_stats.h"
#include "udsrpc/transport.h"
#include "udsrpc/v1/introspection.pb.h"

namespace udsrpc {

// "grpc" or "seqpacket".
const char* TransportText(Transport transport);
void SetDuration(absl::Duration duration, google::protobuf::Duration& message);
void SetTime(absl::Time time, google::protobuf::Timestamp& message);

// What a server has counted, as introspection.proto has it.
void SetStats(const ServerStats& stats, const v1::GetStatsRequest& request, v1::GetStatsResponse& response);

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_INTROSPECTION_STATS_MESSAGE_H_

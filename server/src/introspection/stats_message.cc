#include "server/src/introspection/stats_message.h"

#include <unistd.h>

#include <algorithm>

namespace udsrpc {
namespace {

constexpr size_t kMostPeers = 256;

void SetHistogram(const LatencyHistogram& histogram, v1::LatencyHistogram& message) {
  SetDuration(histogram.sum(), *message.mutable_sum());
  SetDuration(histogram.max(), *message.mutable_max());
  for (const LatencyHistogram::Bucket& bucket : histogram.buckets()) {
    v1::LatencyHistogram::Bucket& added = *message.add_buckets();
    added.set_lower(static_cast<uint64_t>(absl::ToInt64Nanoseconds(bucket.lower)));
    added.set_upper(static_cast<uint64_t>(absl::ToInt64Nanoseconds(bucket.upper)));
    added.set_count(bucket.count);
  }
}

void SetMethod(const MethodStats& stats, v1::MethodStats& message) {
  message.set_method(stats.method);
  message.set_started(stats.started);
  message.set_in_flight(stats.in_flight);
  for (const auto& [code, count] : stats.ended) {
    v1::StatusCount& ended = *message.add_ended();
    ended.set_code(static_cast<int>(code));
    ended.set_count(count);
  }
  message.set_received_messages(stats.received_messages);
  message.set_received_bytes(stats.received_bytes);
  message.set_sent_messages(stats.sent_messages);
  message.set_sent_bytes(stats.sent_bytes);
  SetHistogram(stats.latency, *message.mutable_latency());
}

void SetPeerStats(const PeerStats& stats, v1::PeerStats& message) {
  message.set_pid(stats.pid);
  message.set_uid(stats.uid);
  message.set_connections(static_cast<uint32_t>(stats.connections));
  message.set_started(stats.started);
  message.set_in_flight(stats.in_flight);
  message.set_errors(stats.errors);
}

}  // namespace

const char* TransportText(Transport transport) { return transport == Transport::kGrpc ? "grpc" : "seqpacket"; }

void SetDuration(absl::Duration duration, google::protobuf::Duration& message) {
  message.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  message.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
}

void SetTime(absl::Time time, google::protobuf::Timestamp& message) {
  absl::Duration since = time - absl::UnixEpoch();
  message.set_seconds(absl::IDivDuration(since, absl::Seconds(1), &since));
  message.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(since)));
}

void SetStats(const ServerStats& stats, const v1::GetStatsRequest& request, v1::GetStatsResponse& response) {
  SetTime(stats.started, *response.mutable_start_time());
  SetDuration(stats.uptime, *response.mutable_uptime());
  response.set_pid(getpid());
  for (const MethodStats& method : stats.methods) {
    if (request.only_called() && method.started == 0) continue;
    SetMethod(method, *response.add_methods());
  }
  const size_t peers = std::min(stats.peers.size(), kMostPeers);
  for (size_t i = 0; i < peers; ++i) SetPeerStats(stats.peers[i], *response.add_peers());
  response.set_omitted_peers(stats.peers.size() - peers);
  for (const TransportStats& transport : stats.transports) {
    v1::TransportStats& message = *response.add_transports();
    message.set_transport(TransportText(transport.transport));
    message.set_connections(transport.connections);
    message.set_accepted(transport.accepted);
  }
}

}  // namespace udsrpc

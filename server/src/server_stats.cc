#include "udsrpc/server_stats.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "server/src/caller.h"
#include "server/src/server_state.h"

namespace udsrpc {

ServerStats Server::State::Stats() {
  ServerStats stats{.started = started,
                    .uptime = absl::FromChrono(std::chrono::steady_clock::now() - steadily_started),
                    .methods = methods.monitor().Read(),
                    .peers = {},
                    .transports = {{.transport = Transport::kGrpc}, {.transport = Transport::kSeqpacket}}};
  for (const auto& transport : transports) transport->ForgetClosed();
  std::map<std::pair<pid_t, uid_t>, PeerStats> peers;
  for (const std::shared_ptr<const Caller>& caller : users->Callers()) {
    if (caller->closed()) continue;
    const Peer& peer = caller->peer();
    ++stats.transports[peer.transport() == Transport::kGrpc ? 0 : 1].connections;
    PeerStats& of_peer = peers[{peer.pid(), peer.uid()}];
    of_peer.pid = peer.pid();
    of_peer.uid = peer.uid();
    ++of_peer.connections;
    const uint64_t ended = caller->counts().ended();
    of_peer.errors += caller->counts().errors();
    const uint64_t began = caller->counts().started();
    of_peer.started += began;
    of_peer.in_flight += began - ended;
  }
  for (TransportStats& transport : stats.transports) transport.accepted = users->accepted(transport.transport);
  for (auto& [id, peer] : peers) stats.peers.push_back(peer);
  std::stable_sort(stats.peers.begin(), stats.peers.end(),
                   [](const PeerStats& one, const PeerStats& other) { return one.started > other.started; });
  return stats;
}

}  // namespace udsrpc

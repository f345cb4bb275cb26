#include "server/src/grpc_peer_entry.h"

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace udsrpc {

std::string MakeGrpcPeerEntry(absl::string_view token, const Peer& peer) {
  return absl::StrCat(token, ",", static_cast<int>(peer.transport()), ",", peer.pid(), ",", peer.uid(), ",", peer.gid(),
                      ",", absl::StrJoin(peer.groups(), " "), ",", peer.endpoint());
}

std::optional<GrpcPeer> ReadGrpcPeerEntry(absl::string_view token, absl::string_view entry) {
  if (!absl::ConsumePrefix(&entry, token) || !absl::ConsumePrefix(&entry, ",")) return std::nullopt;
  // The endpoint, which may have any characters, is last.
  const std::vector<absl::string_view> fields = absl::StrSplit(entry, absl::MaxSplits(',', 5));
  GrpcPeer peer;
  int transport;
  if (fields.size() != 6 || !absl::SimpleAtoi(fields[0], &transport) || !absl::SimpleAtoi(fields[1], &peer.pid) ||
      !absl::SimpleAtoi(fields[2], &peer.uid) || !absl::SimpleAtoi(fields[3], &peer.gid)) {
    return std::nullopt;
  }
  peer.transport = static_cast<Transport>(transport);
  for (const absl::string_view group : absl::StrSplit(fields[4], ' ', absl::SkipEmpty())) {
    if (!absl::SimpleAtoi(group, &peer.groups.emplace_back())) return std::nullopt;
  }
  peer.endpoint = std::string(fields[5]);
  return peer;
}

}  // namespace udsrpc

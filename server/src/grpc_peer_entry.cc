#include "server/src/grpc_peer_entry.h"

#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace udsrpc {
namespace {

// What the entry says of the caller's place.
constexpr absl::string_view kLocal = "local";
constexpr absl::string_view kRemote = "remote";
constexpr absl::string_view kAuthenticated = "authenticated";

absl::string_view PlaceOf(const Peer& peer) {
  if (peer.remote() == nullptr) return kLocal;
  return peer.remote()->authenticated ? kAuthenticated : kRemote;
}

// Names may have any characters.
std::string NamesOf(const Peer& peer) {
  if (peer.remote() == nullptr) return "";
  return absl::StrJoin(peer.remote()->names, " ", [](std::string* out, const std::string& name) {
    absl::StrAppend(out, absl::WebSafeBase64Escape(name));
  });
}

bool ReadRemote(absl::string_view place, absl::string_view names, std::optional<GrpcPeer::Remote>& remote) {
  if (place == kLocal) return names.empty();
  if (place != kRemote && place != kAuthenticated) return false;
  GrpcPeer::Remote read{.authenticated = place == kAuthenticated};
  for (const absl::string_view name : absl::StrSplit(names, ' ', absl::SkipEmpty())) {
    if (!absl::WebSafeBase64Unescape(name, &read.names.emplace_back())) return false;
  }
  remote = std::move(read);
  return true;
}

}  // namespace

std::string MakeGrpcPeerEntry(absl::string_view token, const Peer& peer) {
  return absl::StrCat(token, ",", static_cast<int>(peer.transport()), ",", peer.pid(), ",", peer.uid(), ",", peer.gid(),
                      ",", absl::StrJoin(peer.groups(), " "), ",", PlaceOf(peer), ",", NamesOf(peer), ",",
                      peer.endpoint());
}

std::optional<GrpcPeer> ReadGrpcPeerEntry(absl::string_view token, absl::string_view entry) {
  if (!absl::ConsumePrefix(&entry, token) || !absl::ConsumePrefix(&entry, ",")) return std::nullopt;
  // The endpoint, which may have any characters, is last.
  const std::vector<absl::string_view> fields = absl::StrSplit(entry, absl::MaxSplits(',', 7));
  GrpcPeer peer;
  int transport;
  if (fields.size() != 8 || !absl::SimpleAtoi(fields[0], &transport) || !absl::SimpleAtoi(fields[1], &peer.pid) ||
      !absl::SimpleAtoi(fields[2], &peer.uid) || !absl::SimpleAtoi(fields[3], &peer.gid)) {
    return std::nullopt;
  }
  peer.transport = static_cast<Transport>(transport);
  for (const absl::string_view group : absl::StrSplit(fields[4], ' ', absl::SkipEmpty())) {
    if (!absl::SimpleAtoi(group, &peer.groups.emplace_back())) return std::nullopt;
  }
  if (!ReadRemote(fields[5], fields[6], peer.remote)) return std::nullopt;
  peer.endpoint = std::string(fields[7]);
  return peer;
}

}  // namespace udsrpc

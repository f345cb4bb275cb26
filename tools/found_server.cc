#include "tools/found_server.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/src/socket/socket.h"
#include "common/src/socket/socket_address.h"
#include "udsrpc/endpoint.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc::tools {
namespace {

// Nothing: nobody listens there. 0: a process of another pid namespace does.
std::optional<pid_t> PidAt(const Endpoint& endpoint, SocketKind kind) {
  const absl::StatusOr<SocketAddress> address = SocketAddress::Of(endpoint, kind);
  if (!address.ok()) return std::nullopt;
  UniqueFd directory;
  if (address->is_long()) directory = OpenDirectory(address->directory());
  if (address->is_long() && !directory.valid()) return std::nullopt;
  int error;
  const absl::StatusOr<UniqueFd> fd = ConnectSocket(
      address->is_long() ? address->InDirectory(directory.get()) : *address, kind, absl::Seconds(1), &error);
  if (!fd.ok()) return std::nullopt;
  const absl::StatusOr<PeerCredentials> peer = GetPeerCredentials(fd->get());
  return peer.ok() ? peer->pid : 0;
}

}  // namespace

FoundServer FindServer(const std::string& target, Transport transport) {
  FoundServer found;
  const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(target);
  if (!endpoint.ok()) return found;
  const std::optional<pid_t> of_seqpacket = PidAt(*endpoint, SocketKind::kSeqpacket);
  found.has_seqpacket = of_seqpacket.has_value();
  found.pid =
      found.has_seqpacket && transport != Transport::kGrpc ? of_seqpacket : PidAt(*endpoint, SocketKind::kStream);
  if (found.pid.has_value() && *found.pid <= 0) found.pid.reset();
  return found;
}

}  // namespace udsrpc::tools

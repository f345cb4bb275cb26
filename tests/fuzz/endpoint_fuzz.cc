// Any text as an endpoint, or as a target beyond the host: it is refused, or its canonical form parses to the same. And
// any bytes as a socket's address, as the kernel gives a peer's: it is an endpoint's or nobody's.

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "common/src/remote_target.h"
#include "common/src/socket/connected_socket.h"
#include "common/src/socket/socket_address.h"
#include "tests/fuzz/check.h"
#include "udsrpc/endpoint.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc::fuzz {
namespace {

void CheckEndpoint(const absl::StatusOr<Endpoint>& endpoint) {
  if (!endpoint.ok()) return FUZZ_CHECK(endpoint.status().code() == absl::StatusCode::kInvalidArgument);
  const absl::StatusOr<Endpoint> again = Endpoint::Parse(endpoint->ToString());
  FUZZ_CHECK(again.ok() && *again == *endpoint);
  FUZZ_CHECK(again->ToString() == endpoint->ToString());
  for (const SocketKind kind : {SocketKind::kStream, SocketKind::kSeqpacket}) {
    const absl::StatusOr<SocketAddress> address = SocketAddress::Of(*endpoint, kind);
    if (!address.ok()) continue;
    FUZZ_CHECK(address->size() <= sizeof(sockaddr_un));
    FUZZ_CHECK(!address->ToString().empty());
    if (endpoint->kind() == Endpoint::Kind::kAbstract) continue;
    FUZZ_CHECK(EndpointPath(address->path(), kind) == endpoint->address());
    if (address->is_long()) FUZZ_CHECK(address->InDirectory(1000000).size() <= sizeof(sockaddr_un));
  }
}

void CheckRemote(absl::string_view text) {
  const absl::StatusOr<RemoteTarget> target = RemoteTarget::Parse(text);
  if (!target.ok()) return FUZZ_CHECK(target.status().code() == absl::StatusCode::kInvalidArgument);
  FUZZ_CHECK(RemoteTarget::HasScheme(text));
  FUZZ_CHECK(target->port() >= 0 && target->port() <= 65535);
  const absl::StatusOr<RemoteTarget> again = RemoteTarget::Parse(target->ToString());
  FUZZ_CHECK(again.ok() && again->ToString() == target->ToString());
}

// A peer that is bound to an abstract name of these bytes.
void CheckPeer(absl::string_view name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name = name.substr(0, sizeof(address.sun_path) - 1);
  if (name.empty()) return;  // the kernel would choose one
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  constexpr int kType = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const UniqueFd listening(socket(AF_UNIX, kType, 0));
  const UniqueFd client(socket(AF_UNIX, kType, 0));
  FUZZ_CHECK(listening.valid() && client.valid());
  if (bind(client.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return;  // somebody has it
  sockaddr_un chosen{};
  chosen.sun_family = AF_UNIX;
  socklen_t chosen_size = sizeof(chosen);
  FUZZ_CHECK(bind(listening.get(), reinterpret_cast<const sockaddr*>(&chosen), sizeof(chosen.sun_family)) == 0);
  FUZZ_CHECK(listen(listening.get(), 1) == 0);
  FUZZ_CHECK(getsockname(listening.get(), reinterpret_cast<sockaddr*>(&chosen), &chosen_size) == 0);
  FUZZ_CHECK(connect(client.get(), reinterpret_cast<const sockaddr*>(&chosen), chosen_size) == 0);
  const UniqueFd accepted(accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
  FUZZ_CHECK(accepted.valid());
  const std::string target = PeerTarget(accepted.get(), SocketKind::kSeqpacket);
  const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(target);
  FUZZ_CHECK(endpoint.ok() && endpoint->kind() == Endpoint::Kind::kAbstract && endpoint->address() == name);
}

}  // namespace
}  // namespace udsrpc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace udsrpc;  // NOLINT(google-build-using-namespace)
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  fuzz::CheckEndpoint(Endpoint::Parse(text));
  fuzz::CheckEndpoint(Endpoint::FromPath(text));
  fuzz::CheckEndpoint(Endpoint::FromAbstractName(text));
  fuzz::CheckRemote(text);
  // By far the dearest, so not for all.
  if (size % 4 == 1) fuzz::CheckPeer(text.substr(1));
  return 0;
}

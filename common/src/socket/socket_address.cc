#include "common/src/socket/socket_address.h"

#include <cstddef>
#include <cstring>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace udsrpc {
namespace {

constexpr absl::string_view kSeqpacketSuffix = ".seqpacket";

}  // namespace

int SocketType(SocketKind kind) { return kind == SocketKind::kStream ? SOCK_STREAM : SOCK_SEQPACKET; }

absl::StatusOr<SocketAddress> SocketAddress::Of(const Endpoint& endpoint, SocketKind kind) {
  constexpr size_t kMax = sizeof(sockaddr_un::sun_path) - 1;
  SocketAddress address;
  address.address_.sun_family = AF_UNIX;
  const bool abstract = endpoint.kind() == Endpoint::Kind::kAbstract;
  std::string name = endpoint.address();
  if (!abstract && kind == SocketKind::kSeqpacket) absl::StrAppend(&name, kSeqpacketSuffix);
  if (name.size() > kMax) {
    return absl::InvalidArgumentError(absl::StrCat(endpoint.ToString(), ": its seqpacket socket would be at ", name,
                                                   ", which has ", name.size(), " bytes, and a socket address holds ",
                                                   kMax, "; use a path of at most ", kMax - kSeqpacketSuffix.size()));
  }
  std::memcpy(address.address_.sun_path + (abstract ? 1 : 0), name.data(), name.size());
  // One byte more either way: the NUL before an abstract name, or the one behind a path.
  address.size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + 1);
  if (!abstract) address.path_ = std::move(name);
  return address;
}

std::string SocketAddress::ToString() const {
  if (!path_.empty()) return path_;
  return absl::StrCat(
      "@", absl::CHexEscape(absl::string_view(address_.sun_path + 1, size_ - offsetof(sockaddr_un, sun_path) - 1)));
}

}  // namespace udsrpc

#include "common/src/socket/socket_address.h"

#include <climits>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace udsrpc {
namespace {

constexpr absl::string_view kSeqpacketSuffix = ".seqpacket";

}  // namespace

int SocketType(SocketKind kind) { return kind == SocketKind::kStream ? SOCK_STREAM : SOCK_SEQPACKET; }

absl::Status CheckPathLength(absl::string_view path) {
  if (path.size() <= kMaxAddressBytes) return absl::OkStatus();
  if (path.size() >= PATH_MAX) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ", path.size(), " bytes, and a path has at most ", PATH_MAX - 1, "; use a shorter one"));
  }
  const size_t name = path.size() - (path.rfind('/') + 1);  // all of it where there is none
  if (name <= kMaxNameOfLongPathBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("has ", path.size(), " bytes, and a socket address holds ",
                                                 kMaxAddressBytes, ", or more where the file's name has at most ",
                                                 kMaxNameOfLongPathBytes, " and not ", name, "; use a shorter one"));
}

absl::string_view EndpointPath(absl::string_view path, SocketKind kind) {
  if (kind == SocketKind::kSeqpacket && path.size() > kSeqpacketSuffix.size())
    absl::ConsumeSuffix(&path, kSeqpacketSuffix);
  return path;
}

absl::StatusOr<SocketAddress> SocketAddress::Of(const Endpoint& endpoint, SocketKind kind) {
  SocketAddress address;
  address.address_.sun_family = AF_UNIX;
  if (endpoint.kind() == Endpoint::Kind::kAbstract) {
    address.Set(endpoint.address(), /*abstract=*/true);
    return address;
  }
  address.path_ = endpoint.address();
  if (kind == SocketKind::kSeqpacket) absl::StrAppend(&address.path_, kSeqpacketSuffix);
  if (const absl::Status status = CheckPathLength(address.path_); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(endpoint.ToString(), ": its seqpacket socket would be at ",
                                                   address.path_, ", which ", status.message()));
  }
  if (!address.is_long()) address.Set(address.path_, /*abstract=*/false);
  return address;
}

SocketAddress SocketAddress::InDirectory(int directory) const {
  SocketAddress same;
  same.address_.sun_family = AF_UNIX;
  same.path_ = absl::StrCat("/proc/self/fd/", directory, "/", file_name());
  same.Set(same.path_, /*abstract=*/false);
  return same;
}

void SocketAddress::Set(absl::string_view name, bool abstract) {
  name.copy(address_.sun_path + (abstract ? 1 : 0), name.size());
  // One byte more either way: the NUL before an abstract name, or the one behind a path.
  size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + 1);
}

std::string SocketAddress::directory() const {
  const size_t slash = path_.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path_.substr(0, slash);
}

std::string SocketAddress::file_name() const { return path_.substr(path_.rfind('/') + 1); }

std::string SocketAddress::ToString() const {
  if (!path_.empty()) return path_;
  return absl::StrCat(
      "@", absl::CHexEscape(absl::string_view(address_.sun_path + 1, size_ - offsetof(sockaddr_un, sun_path) - 1)));
}

}  // namespace udsrpc

#ifndef UDSRPC_COMMON_SOCKET_SOCKET_ADDRESS_H_
#define UDSRPC_COMMON_SOCKET_SOCKET_ADDRESS_H_

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "udsrpc/endpoint.h"

namespace udsrpc {

// Which of an endpoint's two sockets: gRPC's or seqpacket's.
enum class SocketKind { kStream, kSeqpacket };

// SOCK_STREAM or SOCK_SEQPACKET.
int SocketType(SocketKind kind);

// What a socket address holds of a path or an abstract name: sun_path less the NUL that ends the one or begins the
// other (unix(7)).
inline constexpr size_t kMaxAddressBytes = sizeof(sockaddr_un::sun_path) - 1;

// A longer path is reached by way of its directory's descriptor, as /proc/self/fd/2147483647/NAME at most. What that
// leaves for the name.
inline constexpr size_t kMaxNameOfLongPathBytes = kMaxAddressBytes - sizeof("/proc/self/fd/2147483647/") + 1;

// OK, or INVALID_ARGUMENT with a text that begins with "has": a socket at `path` can be bound and connected to.
absl::Status CheckPathLength(absl::string_view path);

// The path of the endpoint one of whose sockets is at `path`; the path itself where a seqpacket socket's has not the
// suffix that it would have.
absl::string_view EndpointPath(absl::string_view path, SocketKind kind);

// Where one of an endpoint's sockets is, as the kernel wants it.
class SocketAddress {
 public:
  // The abstract name, which both sockets share, or the path, to which seqpacket's adds ".seqpacket".
  // INVALID_ARGUMENT: the path with its suffix is too long.
  static absl::StatusOr<SocketAddress> Of(const Endpoint& endpoint, SocketKind kind);

  // The kernel's form. Of a long path there is none but InDirectory's.
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  socklen_t size() const { return size_; }

  // Whether the path is longer than a socket address holds.
  bool is_long() const { return path_.size() > kMaxAddressBytes; }
  // The same file where `directory` is a descriptor of its directory, for as long as that is open.
  SocketAddress InDirectory(int directory) const;

  // Empty for an abstract address.
  const std::string& path() const { return path_; }
  // Of a path: "." where it names none, and the last part.
  std::string directory() const;
  std::string file_name() const;
  // For messages: the path, or "@name" with escapes.
  std::string ToString() const;

 private:
  void Set(absl::string_view name, bool abstract);

  sockaddr_un address_{};
  socklen_t size_ = 0;
  std::string path_;
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_SOCKET_SOCKET_ADDRESS_H_

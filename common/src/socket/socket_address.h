#ifndef UDSRPC_COMMON_SOCKET_SOCKET_ADDRESS_H_
#define UDSRPC_COMMON_SOCKET_SOCKET_ADDRESS_H_

#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "absl/status/statusor.h"
#include "udsrpc/endpoint.h"

namespace udsrpc {

// Which of an endpoint's two sockets: gRPC's or seqpacket's.
enum class SocketKind { kStream, kSeqpacket };

// SOCK_STREAM or SOCK_SEQPACKET.
int SocketType(SocketKind kind);

// Where one of an endpoint's sockets is, as the kernel wants it.
class SocketAddress {
 public:
  // The abstract name, which both sockets share, or the path, to which seqpacket's adds ".seqpacket".
  // INVALID_ARGUMENT: the path with its suffix is longer than a socket address holds.
  static absl::StatusOr<SocketAddress> Of(const Endpoint& endpoint, SocketKind kind);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  socklen_t size() const { return size_; }

  // Empty for an abstract address.
  const std::string& path() const { return path_; }
  // For messages: the path, or "@name" with escapes.
  std::string ToString() const;

 private:
  sockaddr_un address_{};
  socklen_t size_ = 0;
  std::string path_;
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_SOCKET_SOCKET_ADDRESS_H_

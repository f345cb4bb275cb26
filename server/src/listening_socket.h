#ifndef UDSRPC_SERVER_LISTENING_SOCKET_H_
#define UDSRPC_SERVER_LISTENING_SOCKET_H_

#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/src/socket/socket_address.h"
#include "common/src/socket/socket_file.h"
#include "udsrpc/endpoint.h"
#include "udsrpc/server.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

// One of an endpoint's sockets, bound and listening. Destroying it removes the socket file, if that is still its own;
// it blocks for at most 0.1 s, while another process holds the directory's lock, and then leaves the file.
//
// Paths are claimed and given up under an advisory lock (flock) on their directory, so that of several servers of ours
// that start at once one wins. A live server is never displaced; a socket file that nobody listens on is replaced;
// anything else at the path is left alone.
class ListeningSocket {
 public:
  // The endpoint's sockets of `kinds`, all of them or none: before the last is bound none is listened on, and nothing
  // is removed before it is known that each can be had. Until a file has its owner, group and mode, it has no
  // permissions at all and nobody listens. Blocks for at most 2 s, while another process holds the directory's lock.
  // The errors are those of ServerBuilder::Start.
  struct Claimed;
  static absl::StatusOr<Claimed> Open(const Endpoint& endpoint, const std::vector<SocketKind>& kinds,
                                      const EndpointOptions& options);
  // The same at an abstract name that the kernel chooses.
  static absl::StatusOr<Claimed> OpenAutobound(const std::vector<SocketKind>& kinds);

  ListeningSocket(ListeningSocket&&) = default;
  ListeningSocket& operator=(ListeningSocket&&) = delete;

  int fd() const { return fd_.get(); }
  SocketKind kind() const { return kind_; }

 private:
  using Sockets = std::vector<ListeningSocket>;

  ListeningSocket(UniqueFd fd, SocketKind kind, std::optional<SocketFile> file = std::nullopt)
      : fd_(std::move(fd)), kind_(kind), file_(std::move(file)) {}

  static absl::StatusOr<Sockets> BindNames(const Endpoint& endpoint, const std::vector<SocketKind>& kinds);
  static absl::StatusOr<Sockets> OpenPaths(const Endpoint& endpoint, const std::vector<SocketKind>& kinds,
                                           const EndpointOptions& options);

  UniqueFd fd_;
  SocketKind kind_;
  std::optional<SocketFile> file_;  // of a path
};

struct ListeningSocket::Claimed {
  Endpoint endpoint;
  std::vector<ListeningSocket> sockets;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_LISTENING_SOCKET_H_

#ifndef UDSRPC_SERVER_LISTENING_SOCKET_H_
#define UDSRPC_SERVER_LISTENING_SOCKET_H_

#include <memory>
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

  // A seqpacket socket at just this path, which is no endpoint of clients. As Open.
  static absl::StatusOr<ListeningSocket> OpenControl(const Endpoint& path, const EndpointOptions& options);

  // One that another process has bound, and which was checked. That process may go on listening, so it is shared, and
  // its file is not this one's; until Own, or where `for_good` always.
  static ListeningSocket Adopt(UniqueFd fd, SocketKind kind, bool for_good);
  // Another process holds the socket, too, or will: it is not to be shut down, nor are those turned away that wait.
  bool shared() const { return shared_; }
  bool shared_for_good() const { return shared_for_good_; }

  // The file that this socket is to remove in the end; nothing where it has none, or where that is another's to do.
  std::optional<SocketFile::Identity> file() const;
  // Finds the file of an adopted socket, which is at `path` and is to be `identity`, for Own. False: it is not there
  // any more.
  bool FindFile(const Endpoint& endpoint, const SocketAddress& path, const SocketFile::Identity& identity);
  // From now on this process alone has an adopted socket, and with it the file that FindFile has found. Who connects
  // sees this process as the one that listens.
  void Own();
  // It is another's from now on.
  void GiveUp();

  ListeningSocket(ListeningSocket&&) = default;
  ListeningSocket& operator=(ListeningSocket&&) = delete;

  int fd() const { return fd_.get(); }
  SocketKind kind() const { return kind_; }

 private:
  using Sockets = std::vector<ListeningSocket>;

  ListeningSocket(UniqueFd fd, SocketKind kind, std::unique_ptr<SocketFile> file = nullptr)
      : fd_(std::move(fd)), kind_(kind), file_(std::move(file)) {}

  static absl::StatusOr<Sockets> BindNames(const Endpoint& endpoint, const std::vector<SocketKind>& kinds);
  static absl::StatusOr<Sockets> OpenPaths(const Endpoint& endpoint, const std::vector<SocketKind>& kinds,
                                           const EndpointOptions& options);
  static absl::StatusOr<Sockets> OpenPathsAt(const Endpoint& endpoint, const std::vector<SocketKind>& kinds,
                                             const std::vector<SocketAddress>& addresses,
                                             const EndpointOptions& options);

  UniqueFd fd_;
  SocketKind kind_;
  std::unique_ptr<SocketFile> file_;  // of a path
  bool shared_ = false;
  bool shared_for_good_ = false;
};

struct ListeningSocket::Claimed {
  Endpoint endpoint;
  std::vector<ListeningSocket> sockets;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_LISTENING_SOCKET_H_

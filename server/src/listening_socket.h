#ifndef UDSRPC_SERVER_LISTENING_SOCKET_H_
#define UDSRPC_SERVER_LISTENING_SOCKET_H_

#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"
#include "common/src/socket/socket_address.h"
#include "common/src/socket/unique_fd.h"
#include "udsrpc/endpoint.h"

namespace udsrpc {

// One of an endpoint's sockets, bound and listening. Destroying it removes the socket file, if that is still its own.
//
// A path is claimed under an advisory lock (flock) on its directory, so that of several servers of ours that start at
// once one wins. A live server is never displaced; a socket file that nobody listens on is replaced; anything else at
// the path is left alone. The file has its mode before it is visible, or a stricter one where the umask is stricter.
class ListeningSocket {
 public:
  // `mode` is that of the file. Blocks for at most 2 s, while another process holds the directory's lock. The errors
  // are those of ServerBuilder::Start.
  static absl::StatusOr<ListeningSocket> Open(const Endpoint& endpoint, SocketKind kind, mode_t mode);

  ListeningSocket(ListeningSocket&&) = default;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ~ListeningSocket();

  int fd() const { return fd_.get(); }

 private:
  ListeningSocket(UniqueFd fd, std::string path, dev_t device, ino_t inode)
      : fd_(std::move(fd)), path_(std::move(path)), device_(device), inode_(inode) {}

  static absl::StatusOr<ListeningSocket> OpenAbstract(const Endpoint& endpoint, const SocketAddress& address,
                                                      SocketKind kind);
  static absl::StatusOr<ListeningSocket> OpenPath(const Endpoint& endpoint, const SocketAddress& address,
                                                  SocketKind kind, mode_t mode);

  UniqueFd fd_;
  std::string path_;  // empty for an abstract socket
  dev_t device_;
  ino_t inode_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_LISTENING_SOCKET_H_

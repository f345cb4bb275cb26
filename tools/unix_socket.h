#ifndef UDSRPC_TOOLS_UNIX_SOCKET_H_
#define UDSRPC_TOOLS_UNIX_SOCKET_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace udsrpc::tools {

// A Unix socket, as the kernel tells of it to anybody in its network namespace.
struct UnixSocket {
  enum class State { kListening, kConnected, kOther };

  // The file of a path, however it is called: by the kernel's own device and the low bits of the inode.
  struct File {
    uint32_t device = 0;
    uint32_t inode = 0;
    friend auto operator<=>(const File&, const File&) = default;  // NOLINT(modernize-use-nullptr): takes <=> for a 0
  };

  uint32_t inode = 0;  // as in "socket:[INODE]"; unique in the host, and never 0
  int type = 0;        // SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET
  State state = State::kOther;
  // The inode of its network namespace, each of which has abstract names of its own. 0: this process's. A connection's
  // ends may be in two, and what was accepted is in that of its client.
  uint32_t network = 0;

  // What is behind the family in its address, less the NUL that ends a path: a path, or a NUL and an abstract name.
  // Empty where it is bound to none. A socket that was accepted has its listener's.
  std::string name = {};
  std::optional<File> file = std::nullopt;

  // The other end of a connected one. 0: it has none, is not accepted yet, or the kernel did not tell.
  uint32_t peer = 0;
  // Of a listening one: the clients that wait to be accepted.
  std::vector<uint32_t> waiting = {};

  // Of a listening one: how many wait, and at most. Else: bytes that were received and not read; and that were sent and
  // not read by the peer, with what the kernel needs to keep them.
  std::optional<uint32_t> receive_queue = std::nullopt;
  std::optional<uint32_t> send_queue = std::nullopt;
  // Of who made it, or accepted it.
  std::optional<uid_t> uid = std::nullopt;
};

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_UNIX_SOCKET_H_

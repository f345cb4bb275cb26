#ifndef UDSRPC_COMMON_SOCKET_SOCKET_H_
#define UDSRPC_COMMON_SOCKET_SOCKET_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/src/socket/socket_address.h"
#include "common/src/wire/packet_fds.h"
#include "udsrpc/unique_fd.h"

// The one file that makes system calls on sockets. Every function retries EINTR, none raises SIGPIPE, every descriptor
// is close-on-exec.

namespace udsrpc {

// How an attempt to send, receive or accept on a non-blocking socket went.
enum class IoOutcome {
  kDone,
  kWouldBlock,  // wait until the socket is ready
  kNoMemory,    // of sending: the kernel has none for it at the moment, and tells nobody when it has
  kClosed,      // the peer has closed or died; nothing more will come or go
  kFailed,      // see `error`
};

struct IoResult {
  IoOutcome outcome;
  size_t bytes = 0;        // received, where kDone
  bool truncated = false;  // the packet was larger than the buffer
  int error = 0;           // errno, where kFailed
};

// What an errno is called.
std::string ErrnoText(int error);

// Sends `packet` (not empty) whole or not at all.
IoResult SendPacket(int fd, absl::string_view packet);
// The same with descriptors, 1 to wire::kMaxFds, which the receiver gets duplicates of. kFailed: the kernel refuses the
// packet, or them: too many are on their way (ETOOMANYREFS), or one is not open (EBADF).
IoResult SendPacket(int fd, absl::string_view packet, const std::vector<UniqueFd>& fds);

// Lets `fd` have 425,984 bytes on their way, counted with the kernel's overhead, instead of 212,992: six packets of 64
// KB instead of three. Memory is used only for what is on its way.
void EnlargeSendBuffer(int fd);

// Receives one packet. An empty packet cannot be told from the end and counts as kClosed. Where the peer died with
// data of ours unread, what it sent before still comes (ECONNRESET is read over).
IoResult ReceivePacket(int fd, char* buffer, size_t capacity);
// The same, and the descriptors that come with it. Without this the kernel drops them.
IoResult ReceivePacket(int fd, char* buffer, size_t capacity, PacketFds& fds);

// Whether something has come that was not received yet.
bool HasUnread(int fd);

// The peer can send no more; what it has sent can still be received, and then comes the end. A listening socket takes
// no more connections; those that wait can still be accepted.
void ShutdownReading(int fd);
// Both directions. The peer still receives what it was sent.
void ShutdownSocket(int fd);

// Makes a non-blocking socket and connects it. With a full backlog it waits for `patience` at most; otherwise it does
// not block. UNAVAILABLE, naming the address, the cause and the remedy: nobody listens there, not allowed, a socket of
// another type, full backlog. `*error` is the errno where it fails, for callers that tell the cases apart.
absl::StatusOr<UniqueFd> ConnectSocket(const SocketAddress& address, SocketKind kind, absl::Duration patience,
                                       int* error);
// The same with a socket of OpenSocket's.
absl::Status ConnectSocket(int fd, const SocketAddress& address, SocketKind kind, absl::Duration patience, int* error);

// Whether any socket is bound to a path to which this user may connect, whether or not it listens. It does not notice.
bool IsSocketBoundAt(const SocketAddress& address);

// For SocketAddress::InDirectory. Not valid where it cannot be opened: see errno.
UniqueFd OpenDirectory(const std::string& path);

// Whether the connection of `fd`, a stream socket that another descriptor's owner reads, has ended at either end.
bool HasConnectionEnded(int fd);

// A non-blocking socket, not bound.
absl::StatusOr<UniqueFd> OpenSocket(SocketKind kind);

// A connection that waits on a listening socket, made non-blocking.
IoResult AcceptConnection(int listening_fd, UniqueFd& connection);

// Who made the connection, attested by the kernel (SO_PEERCRED): the ids at the time of connect or listen.
struct PeerCredentials {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};
absl::StatusOr<PeerCredentials> GetPeerCredentials(int fd);
// Its supplementary groups, in no order. Empty where the kernel does not say.
std::vector<gid_t> GetPeerGroups(int fd);
// What a security module calls it. Empty where there is none.
std::string GetPeerSecurityLabel(int fd);
// A descriptor of the very process. Not valid where the kernel has none to give (before Linux 6.5).
UniqueFd OpenPeerPidfd(int fd);

// The kernel's number of the socket, which no other ever has. 0: `fd` is no socket.
uint64_t SocketCookie(int fd);

// `fd` once more, at the lowest number from `lowest` on that is free. Not valid: there is none.
UniqueFd DuplicateAbove(int fd, int lowest);

// Blocks until `socket` is ready or `wake_event` signalled, or for `timeout` (InfiniteDuration: without end). A closed
// or failed socket is ready for both.
struct Readiness {
  bool readable = false;
  bool writable = false;
  bool woken = false;
};
Readiness WaitForSocket(int socket, bool want_write, int wake_event, absl::Duration timeout);

// An eventfd, for waking a thread that waits on descriptors.
absl::StatusOr<UniqueFd> OpenWakeEvent();
void SignalWakeEvent(int fd);
void ClearWakeEvent(int fd);

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_SOCKET_SOCKET_H_

#ifndef UDSRPC_TOOLS_SOCKET_DIAG_H_
#define UDSRPC_TOOLS_SOCKET_DIAG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/unix_socket.h"

namespace udsrpc::tools {

// What can be asked of the kernel about Unix sockets (sock_diag(7)).

// The request for all sockets in those states (bits, by the numbers of tcp_states.h), with what `show` says
// (UDIAG_SHOW_...).
std::string UnixDiagRequest(uint32_t states, uint32_t show, uint32_t sequence);

// Reads one datagram of the answer to request `sequence`, and appends the sockets that it tells of, except those that
// no process has yet, which have no inode. True: it was the last. What does not belong to the answer is skipped.
// UNIMPLEMENTED: the kernel has no unix_diag. INTERNAL: it refused, or `datagram` is not well-formed.
absl::StatusOr<bool> ParseUnixDiag(absl::string_view datagram, uint32_t sequence, std::vector<UnixSocket>* sockets);

// Reads /proc/net/unix, which knows no peers, queues, users or files. Lines that are none of its kind are skipped.
std::vector<UnixSocket> ParseProcNetUnix(absl::string_view text);

// All Unix sockets of this process's network namespace. Blocks for the kernel alone, which takes milliseconds.
// UNIMPLEMENTED: sock_diag cannot be had, by the kernel's configuration or this process's confinement; the message says
// which. INTERNAL: as above, or it took more than 5 s.
absl::StatusOr<std::vector<UnixSocket>> ReadUnixDiag();

// The same of the namespace that `network` names, as /proc/PID/ns/net does. PERMISSION_DENIED: this process may not
// enter it, as root may. UNAVAILABLE: it is not there any more.
absl::StatusOr<std::vector<UnixSocket>> ReadUnixDiagOf(const std::string& network);

// The same as ReadUnixDiag from `path`, which is /proc/net/unix. UNAVAILABLE: it cannot be read.
absl::StatusOr<std::vector<UnixSocket>> ReadProcNetUnix(const std::string& path);

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_SOCKET_DIAG_H_

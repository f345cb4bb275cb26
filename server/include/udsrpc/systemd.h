#ifndef UDSRPC_SYSTEMD_H_
#define UDSRPC_SYSTEMD_H_

#include <functional>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "udsrpc/server.h"

// Services that systemd starts: sockets that it listens on before the service runs, and what it wants to be told. Link
// udsrpc::systemd, which is there where libsystemd is; all of it does nothing in a program that systemd did not start.

namespace udsrpc {

// The options of the sockets of one name, which is FileDescriptorName= of their .socket unit (the unit's own name where
// it says nothing, "unknown" where nobody does). Nothing: they are left alone, open, for the program.
using SystemdSocketOptions = std::function<std::optional<EndpointOptions>(absl::string_view name)>;

// Adds the listening sockets that systemd passed, by ServerBuilder::AddListeningSocket, and takes them out of the
// environment, so that the program's children do not take them for theirs. How many were added: 0 where none were
// passed, as in a program that somebody started by hand; that one adds its endpoints itself. To be called once, before
// other threads start, as it changes the environment.
// INVALID_ARGUMENT: LISTEN_FDS or LISTEN_PID is malformed. Whether the sockets are good for serving, Start finds out.
absl::StatusOr<int> AddSystemdSockets(ServerBuilder& builder, const SystemdSocketOptions& options);
absl::StatusOr<int> AddSystemdSockets(ServerBuilder& builder, const EndpointOptions& options = {});

// Tells systemd that the service is ready (READY=1, for units of Type=notify) and that its main process is this one
// (MAINPID=, for one that has taken over from another: the unit has to have NotifyAccess=all). To be called when
// ServerBuilder::Start has succeeded. Whether somebody was told; without NOTIFY_SOCKET in the environment nobody is.
bool NotifySystemdReady();

// Tells it that the service ends (STOPPING=1). To be called before Server::Shutdown, and not by a server from which
// another one has taken over.
bool NotifySystemdStopping();

}  // namespace udsrpc

#endif  // UDSRPC_SYSTEMD_H_

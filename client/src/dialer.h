#ifndef UDSRPC_CLIENT_DIALER_H_
#define UDSRPC_CLIENT_DIALER_H_

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/src/socket/socket_address.h"
#include "common/src/socket/socket_file.h"
#include "udsrpc/channel.h"
#include "udsrpc/endpoint.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

// Makes a channel's connections: binds its own end, where that has a name, connects, and sees who listens. Or has one
// that somebody else has made, and no other. Thread-safe.
class Dialer {
 public:
  // Connects to one of `endpoint`'s sockets. INVALID_ARGUMENT: see CreateChannel.
  static absl::StatusOr<std::unique_ptr<Dialer>> To(const Endpoint& endpoint, SocketKind kind,
                                                    const ChannelOptions& options);
  // Has `connected`, of which `name` is the channel's.
  static std::unique_ptr<Dialer> With(UniqueFd connected, std::string name, SocketKind kind,
                                      const ChannelOptions& options);

  // A connected socket. Waits in a full backlog for `patience` at most, and as long for an abstract name of its own end
  // that is taken, as by its former socket; and where another process keeps the directory of its own end's path
  // locked, for 0.1 s.
  //
  // UNAVAILABLE, with errno in `*error` where there is one: as ConnectSocket; the server's user is none of those who
  // may be (EACCES); the own end's name cannot be had (EADDRINUSE: somebody has it; EAGAIN: its directory is locked);
  // the one connection is used up.
  absl::StatusOr<UniqueFd> Dial(absl::Duration patience, int* error) ABSL_LOCKS_EXCLUDED(mutex_);
  // What Dial gave could not be used, for want of something else.
  void GiveBack(UniqueFd socket) ABSL_LOCKS_EXCLUDED(mutex_);

  // Where it connects to; null where it has a connection.
  const SocketAddress* address() const { return address_.has_value() ? &*address_ : nullptr; }
  // Whether to connect to address() is all that it does, so that others may as well do it.
  bool is_plain() const { return address_.has_value() && !local_.has_value() && server_uids_.empty(); }
  // What stands for the endpoint in messages.
  const std::string& name() const { return name_; }

 private:
  Dialer(std::string name, SocketKind kind, const ChannelOptions& options)
      : name_(std::move(name)), kind_(kind), server_uids_(options.server_uids) {}

  absl::StatusOr<UniqueFd> TakeGiven();
  // Binds `socket` to the own end's name.
  absl::Status BindLocal(int socket, absl::Duration patience, int* error) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status BindLocalName(int socket, absl::Duration patience, int* error) const;
  absl::Status BindLocalPath(int socket, int* error) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status CheckServer(int socket, int* error) const;

  const std::string name_;
  const SocketKind kind_;
  const std::vector<uid_t> server_uids_;
  std::optional<SocketAddress> address_;
  std::optional<Endpoint> local_;
  std::optional<SocketAddress> local_address_;

  internal::Mutex mutex_;
  UniqueFd given_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<SocketFile> local_file_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_DIALER_H_

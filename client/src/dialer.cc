#include "client/src/dialer.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/src/socket/socket.h"
#include "common/src/socket/socket_directory.h"
#include "common/src/socket/socket_holder.h"

namespace udsrpc {
namespace {

// As long as a call waits for an attempt to connect at most, about.
constexpr absl::Duration kLockPatience = absl::Milliseconds(100);

// The name of a channel's own end.
absl::StatusOr<Endpoint> ParseLocalAddress(const std::string& target) {
  absl::StatusOr<Endpoint> local = Endpoint::Parse(target);
  if (!local.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("ChannelOptions::local_address: ", local.status().message()));
  }
  if (local->kind() == Endpoint::Kind::kPath && !absl::StartsWith(local->address(), "/")) {
    return absl::InvalidArgumentError(absl::StrCat("ChannelOptions::local_address ", target,
                                                   ": the server is to see it, so its path must be absolute"));
  }
  return local;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Dialer>> Dialer::To(const Endpoint& endpoint, SocketKind kind,
                                                   const ChannelOptions& options) {
  absl::StatusOr<SocketAddress> address = SocketAddress::Of(endpoint, kind);
  if (!address.ok()) return address.status();
  std::unique_ptr<Dialer> dialer(new Dialer(endpoint.ToString(), kind, options));
  dialer->address_ = *std::move(address);
  if (options.local_address.empty()) return dialer;
  absl::StatusOr<Endpoint> local = ParseLocalAddress(options.local_address);
  if (!local.ok()) return local.status();
  absl::StatusOr<SocketAddress> local_address = SocketAddress::Of(*local, kind);
  if (!local_address.ok()) return local_address.status();
  if (local_address->is_long()) {
    return absl::InvalidArgumentError(
        absl::StrCat("ChannelOptions::local_address: ", local_address->path(), " has ", local_address->path().size(),
                     " bytes, and what the server sees of it holds ", kMaxAddressBytes, "; use a shorter path"));
  }
  dialer->local_ = *std::move(local);
  dialer->local_address_ = *std::move(local_address);
  return dialer;
}

std::unique_ptr<Dialer> Dialer::With(UniqueFd connected, std::string name, SocketKind kind,
                                     const ChannelOptions& options) {
  std::unique_ptr<Dialer> dialer(new Dialer(std::move(name), kind, options));
  internal::MutexLock lock(dialer->mutex_);
  dialer->given_ = std::move(connected);
  return dialer;
}

absl::StatusOr<UniqueFd> Dialer::Dial(absl::Duration patience, int* error) {
  *error = 0;
  absl::StatusOr<UniqueFd> socket = address_.has_value() ? OpenSocket(kind_) : TakeGiven();
  if (!socket.ok()) return socket;
  absl::Status status;
  if (local_.has_value()) status = BindLocal(socket->get(), patience, error);
  if (status.ok() && address_.has_value()) status = ConnectSocket(socket->get(), *address_, kind_, patience, error);
  if (status.ok()) status = CheckServer(socket->get(), error);
  if (status.ok()) return socket;
  GiveBack(*std::move(socket));
  return status;
}

absl::StatusOr<UniqueFd> Dialer::TakeGiven() {
  internal::MutexLock lock(mutex_);
  if (given_.valid()) return std::move(given_);
  return absl::UnavailableError(
      "the connection that the channel was made of has ended, and there is no address to connect to again");
}

void Dialer::GiveBack(UniqueFd socket) {
  internal::MutexLock lock(mutex_);
  if (!address_.has_value()) given_ = std::move(socket);
  local_file_.reset();
}

absl::Status Dialer::BindLocal(int socket, absl::Duration patience, int* error) {
  absl::Status status =
      local_->kind() == Endpoint::Kind::kPath ? BindLocalPath(socket, error) : BindLocalName(socket, patience, error);
  if (status.ok()) return status;
  return absl::UnavailableError(
      absl::StrCat("cannot bind the channel's own end, its local_address: ", status.message()));
}

absl::Status Dialer::BindLocalName(int socket, absl::Duration patience, int* error) const {
  const absl::Time give_up = absl::Now() + patience;
  while (bind(socket, local_address_->get(), local_address_->size()) != 0) {
    *error = errno;
    if (*error != EADDRINUSE || absl::Now() > give_up) {
      return absl::UnavailableError(absl::StrCat(local_->ToString(), ": ", std::generic_category().message(*error),
                                                 "; is it another channel's, or of a call that still has the former "
                                                 "connection?"));
    }
    absl::SleepFor(absl::Milliseconds(1));  // the kernel tells nobody when a name is free
  }
  *error = 0;
  return absl::OkStatus();
}

absl::Status Dialer::BindLocalPath(int socket, int* error) {
  internal::MutexLock mutex_lock(mutex_);
  const absl::StatusOr<std::shared_ptr<SocketDirectory>> directory =
      SocketDirectory::Open(*local_, local_address_->directory());
  if (!directory.ok()) return directory.status();
  const absl::StatusOr<SocketDirectory::Lock> lock = (*directory)->AwaitLock(kLockPatience);
  if (!lock.ok()) {
    *error = EAGAIN;
    return lock.status();
  }
  // The former connection's end, which may live on with its last calls, is not looked for by its name any more.
  if (local_file_ != nullptr) local_file_->RemoveLocked();
  local_file_.reset();
  absl::Status status = CheckPathIsFree(*local_, *local_address_, kind_, (*directory)->fd());
  if (status.ok()) {
    absl::StatusOr<SocketFile> file =
        SocketFile::Bind(socket, *local_, *local_address_, SocketFile::Permissions(), *directory);
    status = file.status();
    if (file.ok()) local_file_ = std::make_unique<SocketFile>(*std::move(file));
  }
  if (absl::IsAlreadyExists(status)) *error = EADDRINUSE;
  return status;
}

absl::Status Dialer::CheckServer(int socket, int* error) const {
  if (server_uids_.empty()) return absl::OkStatus();
  const absl::StatusOr<PeerCredentials> server = GetPeerCredentials(socket);
  if (!server.ok()) return server.status();
  if (std::find(server_uids_.begin(), server_uids_.end(), server->uid) != server_uids_.end()) return absl::OkStatus();
  *error = EACCES;
  return absl::UnavailableError(absl::StrCat("the server is of user ", server->uid, ", process ", server->pid,
                                             ", and only ", absl::StrJoin(server_uids_, ", "),
                                             " may be (ChannelOptions::server_uids); somebody else listens there"));
}

}  // namespace udsrpc

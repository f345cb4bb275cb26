#include "server/src/caller.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/src/socket/read_peer.h"

namespace udsrpc {

absl::StatusOr<std::shared_ptr<Caller>> Caller::Meet(int socket, const std::string& endpoint, Transport transport,
                                                     bool with_pidfd, const Admission& admission, Users& users) {
  absl::StatusOr<std::shared_ptr<const Peer>> peer = ReadPeer(socket, endpoint, transport, with_pidfd);
  if (!peer.ok()) return peer.status();
  std::shared_ptr<User> user = users.Find((*peer)->uid());
  auto caller = std::make_shared<Caller>(*std::move(peer), std::move(user));
  if (absl::Status status = caller->Admit(endpoint, admission); !status.ok()) return status;
  return caller;
}

absl::Status Caller::Admit(const std::string& endpoint, const Admission& admission) {
  at_ = endpoint.empty() ? "this server" : endpoint;
  internal::MutexLock lock(mutex_);
  if (!admission.Admits(*peer_)) {
    not_for_user_ = absl::PermissionDeniedError(absl::StrCat(at_, ": ", Admission::Refusal(*peer_)));
  } else if (user_->TakeConnection(&connection_)) {
    return absl::OkStatus();
  }
  admitted_.store(false);
  if (user_->TakeRefusedConnection(&refused_connection_)) return absl::OkStatus();
  return not_for_user_.ok() ? ConnectionLimitError() : not_for_user_;
}

absl::Status Caller::ConnectionLimitError() const {
  return absl::ResourceExhaustedError(absl::StrCat(at_, ": user ", peer_->uid(), " has ",
                                                   user_->limits().max_connections,
                                                   " connections to this server, its limit; close some"));
}

absl::Status Caller::refusal() const {
  if (admitted_.load(std::memory_order_relaxed)) return absl::OkStatus();
  internal::MutexLock lock(mutex_);
  if (!not_for_user_.ok()) return not_for_user_;
  if (!admitted_.load() && !user_->TakeConnection(&connection_)) return ConnectionLimitError();
  admitted_.store(true);
  refused_connection_ = User::Share();
  return absl::OkStatus();
}

absl::Status Caller::BeginCall(User::Share* share) const {
  absl::Status status = CheckCall(share);
  if (!status.ok()) user_->TakeRefusedCall(share);
  return status;
}

absl::Status Caller::CheckCall(User::Share* share) const {
  if (absl::Status status = refusal(); !status.ok()) return status;
  if (user_->TakeCall(share)) return absl::OkStatus();
  const int limit = user_->limits().max_calls;
  return absl::ResourceExhaustedError(peer_->remote() != nullptr
                                          ? absl::StrCat("all remote callers together have ", limit,
                                                         " calls in flight here, their limit; wait for some to end")
                                          : absl::StrCat("user ", peer_->uid(), " has ", limit,
                                                         " calls in flight here, its limit; wait for some to end"));
}

std::string Caller::TooManyBytesText() const {
  const std::string whose = peer_->remote() != nullptr ? "all remote callers" : absl::StrCat("user ", peer_->uid());
  return absl::StrCat("what is kept of the messages of ", whose, " would be more than the limit of ",
                      user_->limits().max_bytes, " bytes; send less at a time");
}

}  // namespace udsrpc

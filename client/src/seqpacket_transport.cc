#include "client/src/seqpacket_transport.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/src/active_call.h"
#include "client/src/pending_call.h"
#include "common/src/socket/socket.h"

namespace udsrpc {
namespace {

// How long a call without a deadline waits for room in a full backlog. A server that accepts nothing for so long is
// stuck; gRPC's own limit for a connection attempt is 20 s.
constexpr absl::Duration kBacklogPatience = absl::Seconds(20);

// A server that shuts down can refuse a call twice: on the connection that the channel had, and on a new one that had
// still come into its backlog. Beyond that, something else is wrong.
constexpr int kMaxAttempts = 3;

// Whether connect(2) failed because there is no socket for us, which says nothing about gRPC's beside it.
bool MeansNotOffered(int error) {
  return error == ENOENT || error == ENOTDIR || error == ECONNREFUSED || error == EPROTOTYPE || error == EACCES;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SeqpacketTransport>> SeqpacketTransport::Create(const Endpoint& endpoint,
                                                                               const ChannelOptions& options) {
  absl::StatusOr<SocketAddress> address = SocketAddress::Of(endpoint, SocketKind::kSeqpacket);
  if (!address.ok()) return address.status();
  const SeqpacketConnection::Limits limits{.max_receive_message_bytes = options.max_receive_message_bytes,
                                           .max_metadata_bytes = options.max_metadata_bytes};
  return std::unique_ptr<SeqpacketTransport>(new SeqpacketTransport(*std::move(address), endpoint.ToString(), limits));
}

absl::Status SeqpacketTransport::UnaryCall(const MethodDescriptor& method, ClientContext& context,
                                           const google::protobuf::MessageLite& request,
                                           google::protobuf::MessageLite& response) {
  bool offered;
  return UnaryCallIfOffered(method, context, request, response, &offered);
}

absl::Status SeqpacketTransport::UnaryCallIfOffered(const MethodDescriptor& method, ClientContext& context,
                                                    const google::protobuf::MessageLite& request,
                                                    google::protobuf::MessageLite& response, bool* offered) {
  *offered = true;
  const absl::Time at = context.deadline();
  const Deadline deadline =
      at == absl::InfiniteFuture() ? Deadline() : Deadline::After(at - absl::Now(), Deadline::Clock::now());
  if (!deadline.never() && deadline.HasPassed(Deadline::Clock::now())) {
    return absl::DeadlineExceededError(absl::StrCat(method.path, ": the deadline passed before the call started"));
  }
  // A connection that died since the last call is noticed by the next one. Where the server cannot have run that
  // call's handler, it is made again, on a fresh connection.
  for (int attempt = 1;; ++attempt) {
    int error;
    absl::StatusOr<std::shared_ptr<SeqpacketConnection>> connection = Connection(deadline, &error);
    if (!connection.ok()) {
      *offered = !MeansNotOffered(error);
      return connection.status();
    }
    PendingCall call(method.path, context, request, response, deadline);
    absl::Status status = (*connection)->Call(call);
    if (call.last) Forget(connection->get());
    if (!call.unserved || attempt == kMaxAttempts) return status;
    ActiveCall::InitialMetadata(context).clear();
    ActiveCall::TrailingMetadata(context).clear();
  }
}

absl::StatusOr<std::shared_ptr<SeqpacketConnection>> SeqpacketTransport::Connection(const Deadline& deadline,
                                                                                    int* error) {
  *error = 0;
  internal::MutexLock lock(mutex_);
  while (connection_ == nullptr && connecting_) {
    const absl::Duration patience = deadline.Remaining(Deadline::Clock::now());
    if (patience == absl::ZeroDuration()) {
      return absl::DeadlineExceededError(absl::StrCat(name_, ": no connection before the deadline"));
    }
    connected_.WaitWithTimeout(mutex_, patience);
  }
  if (connection_ != nullptr) return connection_;
  connecting_ = true;
  mutex_.Unlock();
  absl::StatusOr<std::shared_ptr<SeqpacketConnection>> made = Connect(deadline, error);
  mutex_.Lock();
  connecting_ = false;
  connected_.SignalAll();
  if (made.ok()) connection_ = *made;
  return made;
}

absl::StatusOr<std::shared_ptr<SeqpacketConnection>> SeqpacketTransport::Connect(const Deadline& deadline, int* error) {
  const absl::Duration patience = std::min(deadline.Remaining(Deadline::Clock::now()), kBacklogPatience);
  absl::StatusOr<UniqueFd> socket = ConnectSocket(address_, SocketKind::kSeqpacket, patience, error);
  if (socket.ok()) return SeqpacketConnection::Create(*std::move(socket), name_, limits_);
  if (deadline.HasPassed(Deadline::Clock::now())) {
    return absl::DeadlineExceededError(absl::StrCat(name_, ": ", socket.status().message()));
  }
  return absl::Status(socket.status().code(), absl::StrCat(name_, ": ", socket.status().message()));
}

void SeqpacketTransport::Forget(const SeqpacketConnection* connection) {
  internal::MutexLock lock(mutex_);
  if (connection_.get() == connection) connection_.reset();
}

}  // namespace udsrpc

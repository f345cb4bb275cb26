#include "server/src/takeover_successor.h"

#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/src/socket/socket.h"
#include "server/src/inherited_socket.h"

namespace udsrpc {
namespace {

using internal::TakeoverMessage;

// The running server answers in microseconds, unless it or the machine is stuck.
constexpr absl::Duration kAnswerPatience = absl::Seconds(10);

// No server has as many endpoints; a program that offers more is none of ours.
constexpr size_t kMaxOffered = 4096;

}  // namespace

absl::StatusOr<std::unique_ptr<TakeoverSuccessor>> TakeoverSuccessor::Connect(const Endpoint& path, bool* died) {
  const absl::StatusOr<SocketAddress> address = SocketAddress::Of(path, SocketKind::kStream);  // the path as it is
  if (!address.ok()) return address.status();
  int error;
  absl::StatusOr<UniqueFd> socket = ConnectSocket(*address, SocketKind::kSeqpacket, kAnswerPatience, &error);
  *died = !socket.ok() && error == ECONNREFUSED;
  if (!socket.ok()) {
    // A server that is gone for good, or was never there. What is no socket at all, claiming it finds out.
    if (error == ENOENT || error == ECONNREFUSED || error == ENOTDIR) return nullptr;
    const absl::StatusCode code =
        error == EACCES || error == EPERM ? absl::StatusCode::kPermissionDenied : socket.status().code();
    return absl::Status(code, absl::StrCat(path.ToString(), ": cannot take over: ", socket.status().message()));
  }
  const absl::StatusOr<PeerCredentials> peer = GetPeerCredentials(socket->get());
  if (!peer.ok()) return peer.status();
  if (peer->uid != geteuid() && peer->uid != 0) {
    return absl::PermissionDeniedError(
        absl::StrCat(path.ToString(), ": process ", peer->pid, " of user ", peer->uid,
                     " waits there for successors, and this is user ", geteuid(),
                     "; run as that one, or choose a path in a directory that only this user may write"));
  }
  absl::StatusOr<UniqueFd> wake_event = OpenWakeEvent();
  if (!wake_event.ok()) return wake_event.status();
  std::unique_ptr<TakeoverSuccessor> successor(new TakeoverSuccessor(path, *std::move(wake_event), *std::move(socket)));
  if (absl::Status status = successor->ReceiveOffer(); !status.ok()) return status;
  return successor;
}

absl::Status TakeoverSuccessor::ReceiveOffer() {
  const absl::Time deadline = absl::Now() + kAnswerPatience;
  TakeoverMessage request;
  request.mutable_request()->set_version(TakeoverChannel::kVersion);
  // Where that fails, what is to be received says why.
  channel_.Send(request, deadline).IgnoreError();
  for (;;) {
    UniqueFd fd;
    absl::StatusOr<TakeoverMessage> message = channel_.Receive(deadline, &fd);
    if (!message.ok()) return Failure(message);
    if (message->has_offered() && message->offered().sockets() == offered_.size()) return absl::OkStatus();
    if (!message->has_socket() || offered_.size() >= kMaxOffered) return Failure(message);
    Offered offered{.description = std::move(*message->mutable_socket()), .fd = std::move(fd)};
    if (absl::Status status = CheckOffered(offered); !status.ok()) return status;
    offered_.push_back(std::move(offered));
  }
}

absl::Status TakeoverSuccessor::CheckOffered(const Offered& offered) const {
  const std::string& target = offered.description.endpoint();
  const std::string name = absl::StrCat(path_.ToString(), ": what the running server offers as ", target);
  const absl::StatusOr<SocketKind> kind = InspectListeningSocket(offered.fd.get(), name);
  if (!kind.ok()) return kind.status();
  const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(target);
  if (!endpoint.ok()) return endpoint.status();
  const bool control = offered.description.kind() == TakeoverMessage::Socket::TAKEOVER;
  const bool stream = offered.description.kind() == TakeoverMessage::Socket::STREAM;
  const absl::StatusOr<SocketAddress> address = SocketAddress::Of(*endpoint, control ? SocketKind::kStream : *kind);
  if (!address.ok()) return address.status();
  const bool as_described =
      (*kind == SocketKind::kStream) == stream && (address->is_long() || IsBoundTo(offered.fd.get(), *address));
  if (as_described) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " is another socket; stop that server, and start this one then"));
}

std::optional<ListeningSocket> TakeoverSuccessor::Take(const Endpoint& endpoint, SocketKind kind) {
  const absl::StatusOr<SocketAddress> address = SocketAddress::Of(endpoint, kind);
  if (!address.ok()) return std::nullopt;  // claiming it says so
  const bool stream = kind == SocketKind::kStream;
  return Take(stream ? TakeoverMessage::Socket::STREAM : TakeoverMessage::Socket::SEQPACKET, endpoint, kind, *address);
}

std::optional<ListeningSocket> TakeoverSuccessor::TakeControl() {
  const absl::StatusOr<SocketAddress> address = SocketAddress::Of(path_, SocketKind::kStream);
  return Take(TakeoverMessage::Socket::TAKEOVER, path_, SocketKind::kSeqpacket, *address);
}

std::optional<ListeningSocket> TakeoverSuccessor::Take(TakeoverMessage::Socket::Kind kind, const Endpoint& endpoint,
                                                       SocketKind socket_kind, const SocketAddress& address) {
  for (size_t i = 0; i < offered_.size(); ++i) {
    Offered& offered = offered_[i];
    const absl::StatusOr<Endpoint> its_endpoint = Endpoint::Parse(offered.description.endpoint());
    if (!offered.fd.valid() || offered.description.kind() != kind || *its_endpoint != endpoint) continue;
    ListeningSocket socket = ListeningSocket::Adopt(std::move(offered.fd), socket_kind, offered.description.shared());
    if (offered.description.has_file()) {
      const SocketFile::Identity file{.device = offered.description.file().device(),
                                      .inode = offered.description.file().inode()};
      if (!socket.FindFile(endpoint, address, file)) return std::nullopt;
    }
    taken_.push_back(static_cast<uint32_t>(i));
    return socket;
  }
  return std::nullopt;
}

absl::Status TakeoverSuccessor::HandOver() {
  const absl::Time deadline = absl::Now() + kAnswerPatience;
  TakeoverMessage ready;
  ready.mutable_ready()->mutable_taken()->Add(taken_.begin(), taken_.end());
  channel_.Send(ready, deadline).IgnoreError();
  UniqueFd unexpected;
  const absl::StatusOr<TakeoverMessage> message = channel_.Receive(deadline, &unexpected);
  return message.ok() && message->has_handed_over() ? absl::OkStatus() : Failure(message);
}

void TakeoverSuccessor::Serving() {
  TakeoverMessage serving;
  serving.mutable_serving();
  channel_.Send(serving, absl::Now() + kAnswerPatience).IgnoreError();
}

absl::Status TakeoverSuccessor::Failure(const absl::StatusOr<TakeoverMessage>& message) const {
  const std::string name = absl::StrCat(path_.ToString(), ": cannot take over from the running server: ");
  if (!message.ok()) {
    const bool gone = absl::IsUnavailable(message.status());
    return absl::Status(
        message.status().code(),
        absl::StrCat(name, message.status().message(), gone ? "; is it shutting down? start this one again" : ""));
  }
  if (!message->has_refused()) return absl::InternalError(absl::StrCat(name, "it answers out of turn"));
  const int code = message->refused().code();
  const bool known = code > 0 && code <= static_cast<int>(absl::StatusCode::kUnauthenticated);
  return absl::Status(known ? static_cast<absl::StatusCode>(code) : absl::StatusCode::kUnknown,
                      absl::StrCat(name, message->refused().message()));
}

}  // namespace udsrpc

#include "server/src/takeover_listener.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/src/socket/socket.h"

namespace udsrpc {
namespace {

using internal::TakeoverMessage;

// Each is microseconds' work, unless the candidate is stopped or the machine is stuck.
constexpr absl::Duration kMessagePatience = absl::Seconds(5);
// What a successor has for starting to serve, while no other one gets a turn: it may wait for 2 s for the directory of
// each endpoint that only it has.
constexpr absl::Duration kReadyPatience = absl::Seconds(30);
// After accept(2) failed for want of descriptors or memory.
constexpr int kRetryMilliseconds = 10;

TakeoverMessage::Socket Describe(const ListeningSocket& socket, TakeoverMessage::Socket::Kind kind,
                                 const std::string& endpoint) {
  TakeoverMessage::Socket description;
  description.set_kind(kind);
  description.set_endpoint(endpoint);
  description.set_shared(socket.shared_for_good());
  if (const std::optional<SocketFile::Identity> file = socket.file(); file.has_value()) {
    description.mutable_file()->set_device(file->device);
    description.mutable_file()->set_inode(file->inode);
  }
  return description;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TakeoverListener>> TakeoverListener::Create(ListeningSocket socket, std::string endpoint,
                                                                           Predecessor& predecessor) {
  absl::StatusOr<UniqueFd> wake_event = OpenWakeEvent();
  if (!wake_event.ok()) return wake_event.status();
  std::unique_ptr<TakeoverListener> listener(
      new TakeoverListener(std::move(socket), std::move(endpoint), predecessor, *std::move(wake_event)));
  try {
    listener->thread_ = std::thread([l = listener.get()] {
      l->begun_.wait(false);
      l->Run();
    });
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(absl::StrCat("cannot start a thread: ", error.what()));
  }
  return listener;
}

TakeoverListener::TakeoverListener(ListeningSocket socket, std::string endpoint, Predecessor& predecessor,
                                   UniqueFd wake_event)
    : socket_(std::move(socket)),
      endpoint_(std::move(endpoint)),
      predecessor_(predecessor),
      wake_event_(std::move(wake_event)) {}

TakeoverListener::~TakeoverListener() {
  if (!thread_.joinable()) return;
  SignalWakeEvent(wake_event_.get());
  Begin();
  thread_.join();
}

void TakeoverListener::Begin() {
  begun_.store(true);
  begun_.notify_all();
}

void TakeoverListener::Run() {
  pthread_setname_np(pthread_self(), "udsrpc-takeover");
  bool exhausted = false;
  for (;;) {
    // A descriptor of -1 is passed over.
    pollfd watched[] = {{.fd = wake_event_.get(), .events = POLLIN, .revents = 0},
                        {.fd = exhausted ? -1 : socket_->fd(), .events = POLLIN, .revents = 0},
                        {.fd = candidate_ ? candidate_->channel.fd() : -1, .events = POLLIN, .revents = 0}};
    int timeout = exhausted ? kRetryMilliseconds : -1;
    if (candidate_ && !exhausted) {
      const int64_t left = absl::ToInt64Milliseconds(candidate_->deadline - absl::Now());
      timeout = static_cast<int>(std::clamp<int64_t>(left + 1, 0, 1 << 30));
    }
    poll(watched, 3, timeout);
    if (watched[0].revents != 0) return;
    std::vector<size_t> taken;
    if (watched[2].revents != 0 && OnMessage(taken)) {
      candidate_.reset();
      socket_.reset();
      return predecessor_.HandOver(taken);
    }
    if (candidate_ && candidate_->deadline < absl::Now()) {
      candidate_->channel.Refuse(absl::UnavailableError("the successor took too long to serve; start it again"));
      candidate_.reset();
    }
    // After that: who asks in the moment in which a candidate dies is the next one.
    exhausted = !AcceptAll();
  }
}

bool TakeoverListener::AcceptAll() {
  for (;;) {
    UniqueFd connection;
    const IoResult result = AcceptConnection(socket_->fd(), connection);
    if (result.outcome == IoOutcome::kFailed) return false;
    if (result.outcome != IoOutcome::kDone) return true;
    Meet(std::move(connection));
  }
}

void TakeoverListener::Meet(UniqueFd connection) {
  const absl::StatusOr<PeerCredentials> peer = GetPeerCredentials(connection.get());
  TakeoverChannel channel(std::move(connection), wake_event_.get());
  if (!peer.ok()) return;
  if (peer->uid != geteuid() && peer->uid != 0) {
    return channel.Refuse(absl::PermissionDeniedError(
        absl::StrCat("user ", peer->uid, " may not take over from user ", geteuid(), "; run as that one, or as root")));
  }
  if (candidate_) {
    return channel.Refuse(
        absl::AbortedError(absl::StrCat("process ", candidate_->pid, " is taking over at this moment; try again")));
  }
  candidate_.emplace(
      Candidate{.channel = std::move(channel), .pid = peer->pid, .deadline = absl::Now() + kMessagePatience});
}

bool TakeoverListener::OnMessage(std::vector<size_t>& taken) {
  UniqueFd unexpected;
  const absl::StatusOr<TakeoverMessage> message = candidate_->channel.Receive(absl::InfinitePast(), &unexpected);
  absl::Status status = message.status();
  if (message.ok() && message->has_request() && !candidate_->offered) {
    status = message->request().version() == TakeoverChannel::kVersion
                 ? Offer()
                 : absl::FailedPreconditionError(absl::StrCat(
                       "the running server speaks version ", TakeoverChannel::kVersion, " of the takeover, and not ",
                       message->request().version(), "; stop it, and start the new one then"));
    if (status.ok()) return false;
  } else if (message.ok() && message->has_ready() && candidate_->offered) {
    status = HandOver(message->ready(), taken);
    if (status.ok()) return true;
  } else if (message.ok()) {
    status = absl::InvalidArgumentError("a message came out of turn");
  }
  candidate_->channel.Refuse(status);
  candidate_.reset();
  return false;
}

absl::Status TakeoverListener::Offer() {
  const absl::Time deadline = absl::Now() + kMessagePatience;
  const std::vector<Acceptor::Listener>& listeners = predecessor_.listeners();
  TakeoverMessage message;
  for (const Acceptor::Listener& listener : listeners) {
    const bool stream = listener.socket.kind() == SocketKind::kStream;
    *message.mutable_socket() =
        Describe(listener.socket, stream ? TakeoverMessage::Socket::STREAM : TakeoverMessage::Socket::SEQPACKET,
                 listener.endpoint);
    if (absl::Status status = candidate_->channel.Send(message, deadline, listener.socket.fd()); !status.ok()) {
      return status;
    }
  }
  *message.mutable_socket() = Describe(*socket_, TakeoverMessage::Socket::TAKEOVER, endpoint_);
  if (absl::Status status = candidate_->channel.Send(message, deadline, socket_->fd()); !status.ok()) return status;
  message.mutable_offered()->set_sockets(static_cast<uint32_t>(listeners.size()) + 1);
  candidate_->offered = true;
  candidate_->deadline = absl::Now() + kReadyPatience;
  return candidate_->channel.Send(message, deadline);
}

absl::Status TakeoverListener::HandOver(const TakeoverMessage::Ready& ready, std::vector<size_t>& taken) {
  const size_t takeover_socket = predecessor_.listeners().size();
  bool takes_takeover_socket = false;
  for (const uint32_t index : ready.taken()) {
    if (index > takeover_socket) return absl::InvalidArgumentError("it has taken what it was not offered");
    if (index == takeover_socket) {
      takes_takeover_socket = true;
    } else {
      taken.push_back(index);
    }
  }
  if (!predecessor_.Pause()) return absl::UnavailableError("the running server is shutting down; try again");
  if (absl::Status status = AwaitServing(); !status.ok()) {
    predecessor_.Resume();
    return status;
  }
  if (takes_takeover_socket) socket_->GiveUp();
  return absl::OkStatus();
}

absl::Status TakeoverListener::AwaitServing() {
  const absl::Time deadline = absl::Now() + kMessagePatience;
  TakeoverMessage message;
  message.mutable_handed_over();
  if (absl::Status status = candidate_->channel.Send(message, deadline); !status.ok()) return status;
  UniqueFd unexpected;
  const absl::StatusOr<TakeoverMessage> answer = candidate_->channel.Receive(deadline, &unexpected);
  // One that is alive and late has all that it needs, and will serve; two that accept are worse than a pause.
  const bool alive = absl::IsDeadlineExceeded(answer.status()) || absl::IsCancelled(answer.status());
  if (alive || (answer.ok() && answer->has_serving())) return absl::OkStatus();
  return answer.ok() ? absl::InvalidArgumentError("a message came out of turn") : answer.status();
}

}  // namespace udsrpc

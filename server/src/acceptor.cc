#include "server/src/acceptor.h"

#include <poll.h>
#include <pthread.h>

#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/src/socket/read_peer.h"
#include "common/src/socket/socket.h"

namespace udsrpc {
namespace {

// How long to leave connections in the backlog after accept(2) failed for want of descriptors or memory.
constexpr int kRetryMilliseconds = 10;

Transport TransportOf(SocketKind kind) {
  return kind == SocketKind::kStream ? Transport::kGrpc : Transport::kSeqpacket;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Acceptor>> Acceptor::Create(std::vector<Listener> listeners) {
  absl::StatusOr<UniqueFd> wake_event = OpenWakeEvent();
  if (!wake_event.ok()) return wake_event.status();
  std::unique_ptr<Acceptor> acceptor(new Acceptor(std::move(listeners), *std::move(wake_event)));
  if (absl::Status status = acceptor->Resume(); !status.ok()) return status;
  return acceptor;
}

Acceptor::Acceptor(std::vector<Listener> listeners, UniqueFd wake_event)
    : listeners_(std::move(listeners)), wake_event_(std::move(wake_event)) {}

absl::Status Acceptor::Resume() {
  ClearWakeEvent(wake_event_.get());
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(absl::StrCat("cannot start a thread: ", error.what()));
  }
  started_ = true;
  return absl::OkStatus();
}

void Acceptor::Begin() {
  begun_.store(true);
  begun_.notify_all();
}

void Acceptor::Pause() {
  if (!thread_.joinable()) return;
  SignalWakeEvent(wake_event_.get());
  Begin();
  thread_.join();
}

void Acceptor::TakeOwnership() {
  for (Listener& listener : listeners_) listener.socket.Own();
}

void Acceptor::HandOver(const std::vector<size_t>& listeners) {
  for (const size_t i : listeners) listeners_[i].socket.GiveUp();
}

Acceptor::~Acceptor() {
  if (!started_) return;
  Pause();
  for (const Listener& listener : listeners_) {
    if (listener.socket.shared()) continue;
    ShutdownReading(listener.socket.fd());
    AcceptAll(listener);
  }
}

void Acceptor::Run() {
  pthread_setname_np(pthread_self(), "udsrpc-accept");
  begun_.wait(false);
  std::vector<pollfd> watched{{.fd = wake_event_.get(), .events = POLLIN, .revents = 0}};
  for (const Listener& listener : listeners_) {
    watched.push_back({.fd = listener.socket.fd(), .events = POLLIN, .revents = 0});
  }
  bool exhausted = false;
  for (;;) {
    // While exhausted, sockets stay readable: only the wake event is waited for.
    poll(watched.data(), exhausted ? 1 : watched.size(), exhausted ? kRetryMilliseconds : -1);
    if (watched[0].revents != 0) return;
    exhausted = false;
    for (const Listener& listener : listeners_) exhausted |= !AcceptAll(listener);
  }
}

bool Acceptor::AcceptAll(const Listener& listener) {
  for (;;) {
    UniqueFd connection;
    const IoResult result = AcceptConnection(listener.socket.fd(), connection);
    if (result.outcome == IoOutcome::kFailed) {
      listener.transport->OnNoDescriptorLeft();
      return false;
    }
    if (result.outcome != IoOutcome::kDone) return true;
    absl::StatusOr<std::shared_ptr<const Peer>> peer =
        ReadPeer(connection.get(), listener.endpoint, TransportOf(listener.socket.kind()), listener.peer_pidfd);
    if (!peer.ok() || !listener.admission.Admits(**peer)) continue;
    listener.transport->Adopt(std::move(connection), *std::move(peer));
  }
}

}  // namespace udsrpc

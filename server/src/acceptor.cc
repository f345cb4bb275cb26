#include "server/src/acceptor.h"

#include <poll.h>
#include <pthread.h>

#include <cstdio>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/src/socket/socket.h"

namespace udsrpc {
namespace {

// How long to leave connections in the backlog after accept(2) failed for want of descriptors or memory.
constexpr int kRetryMilliseconds = 10;

// Between two looks for closed connections because a user has too many.
constexpr std::chrono::milliseconds kForgettingPause{10};

constexpr int kAcceptedATurn = 64;

Transport TransportOf(SocketKind kind) {
  return kind == SocketKind::kStream ? Transport::kGrpc : Transport::kSeqpacket;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Acceptor>> Acceptor::Create(std::vector<Listener> listeners, Users& users, Log log) {
  absl::StatusOr<UniqueFd> wake_event = OpenWakeEvent();
  if (!wake_event.ok()) return wake_event.status();
  std::unique_ptr<Acceptor> acceptor(new Acceptor(std::move(listeners), *std::move(wake_event), users, std::move(log)));
  if (absl::Status status = acceptor->Resume(); !status.ok()) return status;
  return acceptor;
}

Acceptor::Acceptor(std::vector<Listener> listeners, UniqueFd wake_event, Users& users, Log log)
    : listeners_(std::move(listeners)), users_(users), log_(std::move(log)), wake_event_(std::move(wake_event)) {}

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
    while (AcceptSome(listener) == Accepted::kSome) continue;
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
    for (const Listener& listener : listeners_) exhausted |= AcceptSome(listener) == Accepted::kNoDescriptorLeft;
    if (!exhausted) Say(trouble_.OnAccepted());
  }
}

Acceptor::Accepted Acceptor::AcceptSome(const Listener& listener) {
  for (int i = 0; i < kAcceptedATurn; ++i) {
    UniqueFd connection;
    const IoResult result = AcceptConnection(listener.socket.fd(), connection);
    if (result.outcome == IoOutcome::kFailed) {
      Say(trouble_.OnFailed(listener.endpoint, result.error, AcceptTrouble::Clock::now()));
      listener.transport->ForgetClosed();
      return Accepted::kNoDescriptorLeft;
    }
    if (result.outcome != IoOutcome::kDone) return Accepted::kAll;
    absl::StatusOr<std::shared_ptr<Caller>> caller = Meet(listener, connection);
    if (!caller.ok()) continue;
    users_.Add(*caller);
    if (absl::Status status = listener.transport->Adopt(std::move(connection), *std::move(caller)); !status.ok()) {
      Say(trouble_.OnDropped(listener.endpoint, status, AcceptTrouble::Clock::now()));
    }
  }
  return Accepted::kSome;
}

void Acceptor::Say(const std::string& line) const {
  if (line.empty()) return;
  if (log_ != nullptr) return log_(line);
  std::fprintf(stderr, "udsrpc: %s\n", line.c_str());
}

absl::StatusOr<std::shared_ptr<Caller>> Acceptor::Meet(const Listener& listener, const UniqueFd& connection) {
  const auto meet = [&] {
    return Caller::Meet(connection.get(), listener.endpoint, TransportOf(listener.socket.kind()), listener.peer_pidfd,
                        listener.admission, users_);
  };
  absl::StatusOr<std::shared_ptr<Caller>> caller = meet();
  if (caller.ok() && !absl::IsResourceExhausted((*caller)->refusal())) return caller;
  // Some that count may be closed. To see it takes a system call for each, so not whenever somebody wants.
  const auto now = std::chrono::steady_clock::now();
  if (now - last_forgetting_ < kForgettingPause) return caller;
  last_forgetting_ = now;
  for (const Listener& each : listeners_) each.transport->ForgetClosed();
  caller = absl::CancelledError();  // which gives back what it has
  return meet();
}

}  // namespace udsrpc

#include "udsrpc/server.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/src/fatal.h"
#include "common/src/fork.h"
#include "common/src/socket/connected_socket.h"
#include "server/src/server_state.h"
#include "udsrpc/internal/process_bound.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

Server::Server() : state_(std::make_unique<State>()) {}

Server::~Server() {
  const bool elsewhere = process_.elsewhere();
  if (!elsewhere && !state_->CallerServes()) {
    Shutdown(absl::InfinitePast());
    return;
  }
  if (!elsewhere) {  // a handler has called exit(3), and will not return
    state_->takeover.reset();
    state_->acceptor.reset();
  }
  internal::Abandon(state_.release());
}

absl::Status Server::AddConnection(UniqueFd fd) {
  if (process_.elsewhere()) return ForkedError("the server");
  const absl::StatusOr<SocketKind> kind = PrepareConnectedSocket(fd.get());
  if (!kind.ok()) return kind.status();
  const Transport transport = *kind == SocketKind::kStream ? Transport::kGrpc : Transport::kSeqpacket;
  const std::optional<State::Unnamed>& endpoint = state_->unnamed;
  if (!endpoint.has_value()) {
    return absl::FailedPreconditionError(
        absl::StrCat("descriptor ", fd.get(),
                     ": the server has no endpoint for connections that are brought to it; call "
                     "ServerBuilder::AddUnnamedEndpoint before Start"));
  }
  ServerTransport* const adopter = *kind == SocketKind::kStream ? endpoint->grpc : endpoint->seqpacket;
  if (adopter == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat("descriptor ", fd.get(), " is a socket for ",
                                                      TransportName(transport),
                                                      ", which the endpoint without a name does not offer; see "
                                                      "EndpointOptions"));
  }
  adopter->ForgetClosed();  // which count no more
  absl::StatusOr<std::shared_ptr<Caller>> caller =
      Caller::Meet(fd.get(), "", transport, endpoint->peer_pidfd, endpoint->admission, *state_->users);
  if (!caller.ok()) return caller.status();
  if (absl::Status refusal = (*caller)->refusal(); !refusal.ok()) return refusal;
  internal::MutexLock lock(state_->mutex);
  if (state_->shutting_down) return absl::UnavailableError("the server is shutting down");
  state_->users->Add(*caller);
  return adopter->Adopt(std::move(fd), *std::move(caller));
}

void Server::Shutdown(absl::Time deadline) {
  if (process_.elsewhere()) return;
  State& state = *state_;
  if (state.CallerServes()) {
    Fatal("Server::Shutdown", "it was called by a handler, which it would wait for; have another thread call it");
  }
  {
    internal::MutexLock lock(state.mutex);
    while (state.handing_over) state.changed.Wait(state.mutex);
    if (state.shutting_down) {
      state.drain_deadline = std::min(state.drain_deadline, deadline);
      for (const auto& transport : state.transports) transport->CutFarewellShort();
      return state.AwaitEnd();
    }
    state.shutting_down = true;
  }
  state.EndExtensions();
  state.takeover.reset();
  state.acceptor.reset();
  state.ForEachTransport([deadline](ServerTransport& transport) { transport.Shutdown(deadline); });
  internal::MutexLock lock(state.mutex);
  state.shut_down = true;
  state.changed.SignalAll();
}

ServerStats Server::Stats() const { return process_.elsewhere() ? ServerStats() : state_->Stats(); }

Server::End Server::Wait() {
  if (process_.elsewhere()) return End::kShutdown;
  internal::MutexLock lock(state_->mutex);
  state_->AwaitEnd();
  return state_->end;
}

absl::Status Server::State::StartExtensions(const std::vector<ServerExtension*>& all) {
  for (ServerExtension* extension : all) {
    if (absl::Status status = extension->OnStart(info); !status.ok()) return status;
    extensions.push_back(extension);
  }
  return absl::OkStatus();
}

void Server::State::EndExtensions() {
  for (ServerExtension* extension : extensions) extension->OnEnd();
}

bool Server::State::CallerServes() {
  return std::any_of(transports.begin(), transports.end(),
                     [](const auto& transport) { return transport->CallerServes(); });
}

void Server::State::AwaitEnd() {
  while (!shut_down) changed.Wait(mutex);
}

void Server::State::ForEachTransport(const std::function<void(ServerTransport&)>& action) {
  std::vector<std::thread> threads;
  for (const auto& transport : transports) {
    try {
      threads.emplace_back([&transport, &action] { action(*transport); });
    } catch (const std::system_error&) {
      action(*transport);  // no thread to be had: one after the other, then
    }
  }
  for (std::thread& thread : threads) thread.join();
}

bool Server::State::Pause() {
  {
    internal::MutexLock lock(mutex);
    if (shutting_down) return false;
    handing_over = true;
  }
  acceptor->Pause();
  return true;
}

void Server::State::Resume() {
  // Where there is no thread to be had it waits for one: a server that accepts nothing is of no use.
  while (!acceptor->Resume().ok()) absl::SleepFor(absl::Milliseconds(10));
  internal::MutexLock lock(mutex);
  handing_over = false;
  changed.SignalAll();
}

void Server::State::HandOver(const std::vector<size_t>& taken) {
  acceptor->HandOver(taken);
  acceptor.reset();
  absl::Time deadline;
  {
    internal::MutexLock lock(mutex);
    handing_over = false;
    shutting_down = true;
    end = End::kTakenOver;
    deadline = drain_deadline = absl::Now() + drain_timeout;
    changed.SignalAll();
  }
  EndExtensions();
  ForEachTransport([this, deadline](ServerTransport& transport) {
    transport.Farewell(deadline);
    absl::Time rest;
    {
      internal::MutexLock lock(mutex);
      rest = drain_deadline;
    }
    transport.Shutdown(rest);
  });
  internal::MutexLock lock(mutex);
  shut_down = true;
  changed.SignalAll();
}

}  // namespace udsrpc

#include "udsrpc/server.h"

#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/src/socket/connected_socket.h"
#include "server/src/server_state.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

Server::Server() : state_(std::make_unique<State>()) {}

Server::~Server() { Shutdown(absl::InfinitePast()); }

absl::Status Server::AddConnection(int fd) {
  UniqueFd connection(fd);
  const absl::StatusOr<SocketKind> kind = PrepareConnectedSocket(fd);
  if (!kind.ok()) return kind.status();
  const Transport transport = *kind == SocketKind::kStream ? Transport::kGrpc : Transport::kSeqpacket;
  const std::optional<State::Unnamed>& endpoint = state_->unnamed;
  if (!endpoint.has_value()) {
    return absl::FailedPreconditionError(
        absl::StrCat("descriptor ", fd,
                     ": the server has no endpoint for connections that are brought to it; call "
                     "ServerBuilder::AddUnnamedEndpoint before Start"));
  }
  ServerTransport* const adopter = *kind == SocketKind::kStream ? endpoint->grpc : endpoint->seqpacket;
  if (adopter == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat("descriptor ", fd, " is a socket for ", TransportName(transport),
                                                      ", which the endpoint without a name does not offer; see "
                                                      "EndpointOptions"));
  }
  adopter->ForgetClosed();  // which count no more
  absl::StatusOr<std::shared_ptr<Caller>> caller =
      Caller::Meet(connection.get(), "", transport, endpoint->peer_pidfd, endpoint->admission, *state_->users);
  if (!caller.ok()) return caller.status();
  if (absl::Status refusal = (*caller)->refusal(); !refusal.ok()) return refusal;
  internal::MutexLock lock(state_->mutex);
  if (state_->shutting_down) return absl::UnavailableError("the server is shutting down");
  return adopter->Adopt(std::move(connection), *std::move(caller));
}

void Server::Shutdown(absl::Time deadline) {
  {
    internal::MutexLock lock(state_->mutex);
    if (state_->shutting_down) {
      while (!state_->shut_down) state_->changed.Wait(state_->mutex);
      return;
    }
    state_->shutting_down = true;
  }
  state_->acceptor.reset();
  // Side by side: a transport that has yet to begin would go on taking calls.
  std::vector<std::thread> threads;
  for (const auto& transport : state_->transports) {
    try {
      threads.emplace_back([&transport, deadline] { transport->Shutdown(deadline); });
    } catch (const std::system_error&) {
      transport->Shutdown(deadline);  // no thread to be had: one after the other, then
    }
  }
  for (std::thread& thread : threads) thread.join();
  internal::MutexLock lock(state_->mutex);
  state_->shut_down = true;
  state_->changed.SignalAll();
}

void Server::Wait() {
  internal::MutexLock lock(state_->mutex);
  while (!state_->shut_down) state_->changed.Wait(state_->mutex);
}

}  // namespace udsrpc

#include "udsrpc/server.h"

#include <memory>
#include <system_error>
#include <thread>
#include <vector>

#include "server/src/server_state.h"

namespace udsrpc {

Server::Server() : state_(std::make_unique<State>()) {}

Server::~Server() { Shutdown(absl::InfinitePast()); }

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

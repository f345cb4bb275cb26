#include "server/src/grpc_peers.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "common/src/socket/socket.h"

namespace udsrpc {
namespace {

// A sweep looks at every connection, so it comes once in as many adds as there were then, and in no fewer than these.
constexpr size_t kLeastAddsASweep = 16;

// The number in gRPC's name of a peer that was added.
std::optional<int> NumberOf(absl::string_view peer) {
  int number;
  if (!absl::ConsumePrefix(&peer, "fd:") || !absl::SimpleAtoi(peer, &number)) return std::nullopt;
  return number;
}

}  // namespace

UniqueFd GrpcPeers::Add(UniqueFd connection, std::shared_ptr<const Caller> caller, Clock::time_point now,
                        Clock::time_point not_held_back_since) {
  const uint64_t socket = SocketCookie(connection.get());
  internal::MutexLock adding(adding_);
  if (++adds_ > adds_to_sweep_) SweepEntries(now, not_held_back_since);
  if (!MoveToUntakenNumber(connection)) {
    SweepEntries(now, not_held_back_since);
    if (!MoveToUntakenNumber(connection)) return UniqueFd();
  }
  entries_[connection.get()] = Entry{.socket = socket, .closed = std::nullopt};
  internal::MutexLock lock(mutex_);
  callers_[connection.get()] = std::move(caller);
  return connection;
}

bool GrpcPeers::MoveToUntakenNumber(UniqueFd& connection) {
  if (!entries_.contains(connection.get())) return true;
  // The kernel passes over those that are in use, here or elsewhere in the process.
  for (int lowest = next_number_;;) {
    UniqueFd moved = DuplicateAbove(connection.get(), lowest);
    if (!moved.valid()) break;
    lowest = moved.get() + 1;
    if (entries_.contains(moved.get())) continue;
    next_number_ = lowest;
    connection = std::move(moved);
    return true;
  }
  return std::exchange(next_number_, 0) > 0 && MoveToUntakenNumber(connection);  // from the lowest on, once
}

std::shared_ptr<const Caller> GrpcPeers::Find(absl::string_view peer) const {
  const std::optional<int> number = NumberOf(peer);
  if (!number) return nullptr;
  internal::MutexLock lock(mutex_);
  const auto found = callers_.find(*number);
  return found == callers_.end() ? nullptr : found->second;
}

void GrpcPeers::Close(absl::string_view peer) {
  const std::optional<int> number = NumberOf(peer);
  if (!number) return;
  internal::MutexLock adding(adding_);
  const auto found = entries_.find(*number);
  if (found == entries_.end()) return;
  // By a number that nobody else can close meanwhile.
  const UniqueFd own = DuplicateAbove(*number, 0);
  if (own.valid() && SocketCookie(own.get()) == found->second.socket) ShutdownSocket(own.get());
}

bool GrpcPeers::HasEnded(absl::string_view peer) const {
  const std::optional<int> number = NumberOf(peer);
  if (!number) return false;
  internal::MutexLock adding(adding_);
  const auto found = entries_.find(*number);
  if (found == entries_.end()) return true;
  // gRPC may close it at any time, and it be another's: so the cookie last.
  return found->second.closed.has_value() || udsrpc::HasConnectionEnded(*number) ||
         SocketCookie(*number) != found->second.socket;
}

bool GrpcPeers::HasOpen() {
  internal::MutexLock lock(adding_);
  return std::any_of(entries_.begin(), entries_.end(), [](const auto& numbered) {
    const auto& [number, entry] = numbered;
    return !entry.closed.has_value() && SocketCookie(number) == entry.socket;
  });
}

void GrpcPeers::SweepEntries(Clock::time_point now, Clock::time_point not_held_back_since) {
  std::vector<int> free;
  std::vector<int> closed;
  for (auto& [number, entry] : entries_) {
    if (!entry.closed.has_value()) {
      if (SocketCookie(number) == entry.socket) continue;
      entry.closed = now;
      closed.push_back(number);
    } else if (not_held_back_since <= now - kQuarantine && *entry.closed <= now - kQuarantine) {
      free.push_back(number);
    }
  }
  for (const int number : free) entries_.erase(number);
  if (!free.empty()) next_number_ = 0;
  adds_ = 0;
  adds_to_sweep_ = std::max(kLeastAddsASweep, entries_.size());
  std::vector<std::shared_ptr<const Caller>> gone;  // destroyed without the mutex
  internal::MutexLock lock(mutex_);
  for (const int number : closed) callers_[number]->MarkClosed();
  for (const int number : free) {
    gone.push_back(std::move(callers_[number]));
    callers_.erase(number);
  }
}

}  // namespace udsrpc

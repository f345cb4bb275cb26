#include "server/src/takeover_start.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace udsrpc {
namespace {

// Twice as long each time, so that a server that lives is asked ten times: 1,023 ms in all.
constexpr absl::Duration kFirstPause = absl::Milliseconds(1);
constexpr absl::Duration kLastPause = absl::Milliseconds(512);

}  // namespace

absl::Status TakeoverStart::Begin() {
  if (!path_.has_value()) return absl::OkStatus();
  absl::StatusOr<Endpoint> address = Endpoint::FromPath(*path_);
  if (!address.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("the path for takeovers: ", address.status().message()));
  }
  address_ = *std::move(address);
  absl::StatusOr<std::unique_ptr<TakeoverSuccessor>> predecessor =
      TakeoverSuccessor::Connect(*address_, &predecessor_died_);
  if (!predecessor.ok()) return predecessor.status();
  predecessor_ = *std::move(predecessor);
  return absl::OkStatus();
}

bool TakeoverStart::AwaitDeath() {
  // The kernel closes the sockets of a process that was killed one after the other, and tells nobody of the last one.
  if (!predecessor_died_ || pause_ >= kLastPause) return false;
  pause_ = pause_ == absl::ZeroDuration() ? kFirstPause : 2 * pause_;
  absl::SleepFor(pause_);
  return true;
}

absl::StatusOr<std::unique_ptr<TakeoverListener>> TakeoverStart::Finish(Acceptor& acceptor,
                                                                        TakeoverListener::Predecessor& server) {
  if (!address_.has_value()) return nullptr;
  std::optional<ListeningSocket> control = predecessor_ != nullptr ? predecessor_->TakeControl() : std::nullopt;
  if (!control.has_value()) {
    absl::StatusOr<ListeningSocket> claimed = ListeningSocket::OpenControl(*address_, EndpointOptions());
    if (!claimed.ok()) return claimed.status();
    control.emplace(*std::move(claimed));
  }
  absl::StatusOr<std::unique_ptr<TakeoverListener>> listener =
      TakeoverListener::Create(*std::move(control), address_->ToString(), server);
  if (!listener.ok()) return listener.status();
  if (predecessor_ != nullptr) {
    if (absl::Status status = predecessor_->HandOver(); !status.ok()) return status;
    acceptor.TakeOwnership();
    (*listener)->socket().Own();
  }
  return listener;
}

}  // namespace udsrpc

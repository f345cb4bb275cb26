#include "server/src/takeover_start.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace udsrpc {

absl::Status TakeoverStart::Begin() {
  if (!path_.has_value()) return absl::OkStatus();
  absl::StatusOr<Endpoint> address = Endpoint::FromPath(*path_);
  if (!address.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("the path for takeovers: ", address.status().message()));
  }
  address_ = *std::move(address);
  absl::StatusOr<std::unique_ptr<TakeoverSuccessor>> predecessor = TakeoverSuccessor::Connect(*address_);
  if (!predecessor.ok()) return predecessor.status();
  predecessor_ = *std::move(predecessor);
  return absl::OkStatus();
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

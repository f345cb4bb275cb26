#ifndef UDSRPC_SERVER_TAKEOVER_START_H_
#define UDSRPC_SERVER_TAKEOVER_START_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/src/acceptor.h"
#include "server/src/takeover_listener.h"
#include "server/src/takeover_successor.h"
#include "udsrpc/endpoint.h"

namespace udsrpc {

// What ServerBuilder::Start does beside the rest where ServerBuilder::EnableTakeover was called; nothing otherwise.
class TakeoverStart {
 public:
  explicit TakeoverStart(std::optional<std::string> path) : path_(std::move(path)) {}

  // Finds out whether there is a server to take over from.
  absl::Status Begin();
  // Null: there is none.
  TakeoverSuccessor* predecessor() { return predecessor_.get(); }
  // Somebody else listens at an endpoint. Whether to try again, and blocks until then: the server that would have been
  // the predecessor was killed, and may have died by half only. For a second in all, then false.
  bool AwaitDeath();

  // All is there but for the connections, which the server may accept from now on: it is the running one. What is to
  // begin to wait for its own successor; null where it does not.
  absl::StatusOr<std::unique_ptr<TakeoverListener>> Finish(Acceptor& acceptor, TakeoverListener::Predecessor& server);
  // The server accepts.
  void Serving() {
    if (predecessor_ != nullptr) predecessor_->Serving();
  }

 private:
  const std::optional<std::string> path_;
  std::optional<Endpoint> address_;
  std::unique_ptr<TakeoverSuccessor> predecessor_;
  bool predecessor_died_ = false;
  absl::Duration pause_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_TAKEOVER_START_H_

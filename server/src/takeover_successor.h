#ifndef UDSRPC_SERVER_TAKEOVER_SUCCESSOR_H_
#define UDSRPC_SERVER_TAKEOVER_SUCCESSOR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/src/listening_socket.h"
#include "server/src/takeover_channel.h"
#include "udsrpc/endpoint.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

// The successor's side of a takeover: what the running server offers. Destroyed before Serving, it leaves
// that server as it was.
class TakeoverSuccessor {
 public:
  // Asks the server that waits for successors at `path`. Null: there is none; `*died`: one has left its socket file
  // there. Blocks for at most 20 s. The errors are those of ServerBuilder::Start, on takeover.
  static absl::StatusOr<std::unique_ptr<TakeoverSuccessor>> Connect(const Endpoint& path, bool* died);

  // The endpoint's socket. Nothing: there was none such, it was taken before, or the socket file is another one by now
  // and is to be claimed. Its file stays the running server's until it is told otherwise (ListeningSocket::Own).
  std::optional<ListeningSocket> Take(const Endpoint& endpoint, SocketKind kind);
  // The socket at which that server waits for successors. As Take.
  std::optional<ListeningSocket> TakeControl();

  // This process is ready to serve on what was taken. From OK on it alone may accept, and is to do so. Blocks for at
  // most 10 s. UNAVAILABLE: the running server is gone, or goes; what it said.
  absl::Status HandOver();
  // It accepts, and the files are its own. Unless the running server hears of it, it goes on when this one dies.
  void Serving();

 private:
  struct Offered {
    internal::TakeoverMessage::Socket description;
    UniqueFd fd;
  };

  TakeoverSuccessor(const Endpoint& path, UniqueFd wake_event, UniqueFd socket)
      : path_(path), wake_event_(std::move(wake_event)), channel_(std::move(socket), wake_event_.get()) {}

  absl::Status ReceiveOffer();
  absl::Status CheckOffered(const Offered& offered) const;
  std::optional<ListeningSocket> Take(internal::TakeoverMessage::Socket::Kind kind, const Endpoint& endpoint,
                                      SocketKind socket_kind, const SocketAddress& address);
  // What the other end did instead of what it was to do.
  absl::Status Failure(const absl::StatusOr<internal::TakeoverMessage>& message) const;

  const Endpoint path_;
  const UniqueFd wake_event_;  // never signalled
  TakeoverChannel channel_;
  std::vector<Offered> offered_;
  std::vector<uint32_t> taken_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_TAKEOVER_SUCCESSOR_H_

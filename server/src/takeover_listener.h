#ifndef UDSRPC_SERVER_TAKEOVER_LISTENER_H_
#define UDSRPC_SERVER_TAKEOVER_LISTENER_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/src/acceptor.h"
#include "server/src/listening_socket.h"
#include "server/src/takeover_channel.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

// The running server's side of a takeover: waits for successors on a socket of its own, from one thread, and hands the
// server's listening sockets to the first that is ready to serve on them. Whatever another one sends, or leaves unsent,
// ends that one's connection and nothing else.
class TakeoverListener {
 public:
  // The server that is taken over. Called by the listener's thread.
  class Predecessor {
   public:
    virtual ~Predecessor() = default;
    // What it listens on; constant.
    virtual const std::vector<Acceptor::Listener>& listeners() const = 0;
    // Accepts no more. False: it does, as it is shutting down; then neither of the others is called.
    virtual bool Pause() = 0;
    // The successor has gone: accepts again.
    virtual void Resume() = 0;
    // These listeners are the successor's. Blocks until the clients have left.
    virtual void HandOver(const std::vector<size_t>& taken) = 0;
  };

  // Still to Begin. `predecessor` must outlive the listener. RESOURCE_EXHAUSTED: no descriptor or thread left.
  static absl::StatusOr<std::unique_ptr<TakeoverListener>> Create(ListeningSocket socket, std::string endpoint,
                                                                  Predecessor& predecessor);

  // The socket is this server's, which runs.
  ListeningSocket& socket() { return *socket_; }
  void Begin();

  // Turns successors away, unless one has taken over already; then blocks until the clients have left.
  ~TakeoverListener();

 private:
  // One that has connected, and may become the successor.
  struct Candidate {
    TakeoverChannel channel;
    pid_t pid;
    absl::Time deadline;  // for its next message
    bool offered = false;
  };

  TakeoverListener(ListeningSocket socket, std::string endpoint, Predecessor& predecessor, UniqueFd wake_event);

  void Run();
  // False: out of descriptors; not to be tried again at once.
  bool AcceptAll();
  void Meet(UniqueFd connection);
  // It has sent something. True: it is the successor now, and `taken` says of what.
  bool OnMessage(std::vector<size_t>& taken);
  absl::Status Offer();
  absl::Status HandOver(const internal::TakeoverMessage::Ready& ready, std::vector<size_t>& taken);
  // Tells the candidate that nobody accepts. OK: it does now.
  absl::Status AwaitServing();

  std::optional<ListeningSocket> socket_;  // until it is handed over
  const std::string endpoint_;
  Predecessor& predecessor_;
  const UniqueFd wake_event_;
  std::atomic<bool> begun_{false};
  std::optional<Candidate> candidate_;
  std::thread thread_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_TAKEOVER_LISTENER_H_

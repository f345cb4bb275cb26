#ifndef UDSRPC_SERVER_ACCEPTOR_H_
#define UDSRPC_SERVER_ACCEPTOR_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/src/accept_trouble.h"
#include "server/src/admission.h"
#include "server/src/caller.h"
#include "server/src/listening_socket.h"
#include "server/src/server_transport.h"
#include "server/src/user.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

// Accepts connections on all of a server's sockets, from one thread, admits or drops them, and hands them to their
// transports. Accepting is rare, so it has the only thread of the server that no call ever passes through.
class Acceptor {
 public:
  struct Listener {
    ListeningSocket socket;
    std::string endpoint;
    Admission admission;
    bool peer_pidfd;
    ServerTransport* transport;  // outlives the acceptor
  };

  // What has lines for people: see ServerOptions::log.
  using Log = std::function<void(absl::string_view)>;

  // It accepts from Begin on. `users`, whose connections they are, must outlive it. RESOURCE_EXHAUSTED: no descriptor
  // or thread left.
  static absl::StatusOr<std::unique_ptr<Acceptor>> Create(std::vector<Listener> listeners, Users& users, Log log);
  void Begin();

  // As they were given, in that order. Constant.
  const std::vector<Listener>& listeners() const { return listeners_; }

  // For a takeover. Where this server takes sockets over, after its predecessor has handed them over: their files are
  // this one's to remove from now on, and who connects sees this process.
  void TakeOwnership();
  // Where a successor takes this one's: accepts no more, or does so again. RESOURCE_EXHAUSTED: no thread left.
  void Pause();
  absl::Status Resume();
  // While paused: those listeners go on without this server, with their files and with the connections that wait.
  void HandOver(const std::vector<size_t>& listeners);

  // But for sockets that other processes have as well: lets no more connections in, hands on those that wait in the
  // backlogs, so that their transports can refuse their calls properly, closes the sockets and removes their files.
  ~Acceptor();

 private:
  Acceptor(std::vector<Listener> listeners, UniqueFd wake_event, Users& users, Log log);

  void Run();
  // Accepts so many, so that nobody who connects without pause holds up the others.
  enum class Accepted { kAll, kSome, kNoDescriptorLeft };
  Accepted AcceptSome(const Listener& listener);
  // Where there is a line.
  void Say(const std::string& line) const;
  absl::StatusOr<std::shared_ptr<Caller>> Meet(const Listener& listener, const UniqueFd& connection);

  std::vector<Listener> listeners_;
  Users& users_;
  const Log log_;
  AcceptTrouble trouble_;                                    // the thread's
  std::chrono::steady_clock::time_point last_forgetting_{};  // the thread's
  const UniqueFd wake_event_;
  std::atomic<bool> begun_{false};
  std::thread thread_;
  bool started_ = false;  // once, at least
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_ACCEPTOR_H_

#ifndef UDSRPC_SERVER_CALLER_H_
#define UDSRPC_SERVER_CALLER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/src/admission.h"
#include "server/src/turn_queue.h"
#include "server/src/user.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/peer.h"
#include "udsrpc/transport.h"

namespace udsrpc {

// Who has made a connection, and what a server makes of them. Thread-safe.
class Caller {
 public:
  // Of a connected socket, at an endpoint that is for those whom `admission` admits. RESOURCE_EXHAUSTED: no descriptor
  // left. PERMISSION_DENIED, or RESOURCE_EXHAUSTED: it is refused, and so many of that user's connections are told so
  // already that this one is just to be closed.
  static absl::StatusOr<std::shared_ptr<Caller>> Meet(int socket, const std::string& endpoint, Transport transport,
                                                      bool with_pidfd, const Admission& admission, Users& users);

  // Of a remote caller, who is admitted; and for tests.
  Caller(std::shared_ptr<const Peer> peer, std::shared_ptr<User> user)
      : peer_(std::move(peer)), user_(std::move(user)), turns_(user_.get()) {}

  const Peer& peer() const { return *peer_; }
  User& user() const { return *user_; }
  // Of its calls that wait. Guarded as the queue is that the connection's calls wait in.
  TurnTaker& turns() const { return turns_; }

  // Of its calls, from those that were refused on.
  class Counts {
   public:
    void OnStart() { started_.fetch_add(1, std::memory_order_relaxed); }
    void OnEnd(absl::StatusCode code) {
      if (code != absl::StatusCode::kOk) errors_.fetch_add(1, std::memory_order_relaxed);
      ended_.fetch_add(1, std::memory_order_release);
    }
    // To be read in this order, so that no more have ended than have started.
    uint64_t ended() const { return ended_.load(std::memory_order_acquire); }
    uint64_t errors() const { return errors_.load(std::memory_order_relaxed); }
    uint64_t started() const { return started_.load(std::memory_order_relaxed); }

   private:
    std::atomic<uint64_t> started_{0};
    std::atomic<uint64_t> ended_{0};
    std::atomic<uint64_t> errors_{0};
  };
  Counts& counts() const { return counts_; }

  // Its connection has been closed, and something still refers to it.
  void MarkClosed() const { closed_.store(true, std::memory_order_relaxed); }
  bool closed() const { return closed_.load(std::memory_order_relaxed); }

  // What each call of the connection ends with, for now where that is because its user has too many connections; OK: it
  // is admitted.
  absl::Status refusal() const;

  // A call begins, which has `*share` until it has ended. Not OK: it is to end with that: the connection is refused
  // still, or (RESOURCE_EXHAUSTED) the user has too many calls. A share of nothing then: too many are refused as well,
  // and where that costs more than to say so the connection is to be closed.
  absl::Status BeginCall(User::Share* share) const;
  // Why a call ends for which User::HoldBytes has none left.
  std::string TooManyBytesText() const;

 private:
  absl::Status Admit(const std::string& endpoint, const Admission& admission);
  absl::Status ConnectionLimitError() const;
  absl::Status CheckCall(User::Share* share) const;

  const std::shared_ptr<const Peer> peer_;
  const std::shared_ptr<User> user_;
  mutable TurnTaker turns_;
  std::string at_;  // where it has connected to, for messages
  // Not false again once it has turned true; otherwise it is to be asked for, each time, under the mutex.
  mutable std::atomic<bool> admitted_{true};

  mutable Counts counts_;
  mutable std::atomic<bool> closed_{false};

  mutable internal::Mutex mutex_;
  absl::Status not_for_user_ ABSL_GUARDED_BY(mutex_);
  mutable User::Share refused_connection_ ABSL_GUARDED_BY(mutex_);
  mutable User::Share connection_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_CALLER_H_

#ifndef UDSRPC_CLIENT_SEQPACKET_CONNECTOR_H_
#define UDSRPC_CLIENT_SEQPACKET_CONNECTOR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/src/dialer.h"
#include "client/src/seqpacket_connection.h"
#include "client/src/start_queue.h"
#include "common/src/deadline.h"
#include "udsrpc/client_context.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// Makes the connections of a channel, one at a time, when a call needs one. Thread-safe.
class SeqpacketConnector {
 public:
  SeqpacketConnector(std::unique_ptr<Dialer> dialer, SeqpacketConnection::Limits limits)
      : dialer_(std::move(dialer)), limits_(limits) {}

  ~SeqpacketConnector();

  const std::string& name() const { return dialer_->name(); }  // stands for the endpoint in messages

  // The connection, made where there is none that takes calls; of several callers one makes it and the others wait for
  // it, or for its failure. A context that waits for ready tries again, as long as another attempt may succeed.
  //
  // UNAVAILABLE: see Dialer::Dial. DEADLINE_EXCEEDED: no connection by then. CANCELLED.
  absl::StatusOr<std::shared_ptr<SeqpacketConnection>> Get(ClientContext& context, const Deadline& deadline);

  // The connection, where there is one that takes calls; else null. Does not block.
  std::shared_ptr<SeqpacketConnection> Current();
  // Tries once to make one where there is none; blocks for 20 ms at most.
  StartQueue::Attempt TryConnect();

  // Blocks for `pause`, or until the call is to wait no longer: between the attempts of one that a server, though it is
  // there, does not serve.
  void Rest(ClientContext& context, const Deadline& deadline, absl::Duration pause);

  // Lets go of a connection that takes no more calls, so that it closes with the last of those that it has.
  void Forget(const SeqpacketConnection& connection);

 private:
  class Wait;

  // Not a status, which threads would share.
  using Failure = StartQueue::Attempt;

  // Without a connection: waits for another thread's attempt, or makes one. Returns where the attempt failed.
  Failure Attempt(const Wait& wait, const Deadline& deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Drop() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Keeps what the calling thread's attempt has made. `tell`: a failure holds for the others that wait for it, too.
  Failure Settle(absl::StatusOr<std::shared_ptr<SeqpacketConnection>> made, int error, bool tell)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::shared_ptr<SeqpacketConnection>> Make(UniqueFd socket) const;
  absl::StatusOr<UniqueFd> Connect(const Wait& wait, const Deadline& deadline, int* error) const;
  // Why a call is to wait no longer.
  absl::Status GivenUp(const Wait& wait, const Deadline& deadline) const;

  const std::unique_ptr<Dialer> dialer_;
  const SeqpacketConnection::Limits limits_;

  internal::Mutex mutex_;
  internal::CondVar changed_;
  std::shared_ptr<SeqpacketConnection> connection_ ABSL_GUARDED_BY(mutex_);
  bool connecting_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t attempts_ ABSL_GUARDED_BY(mutex_) = 0;  // that have ended
  Failure last_failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_SEQPACKET_CONNECTOR_H_

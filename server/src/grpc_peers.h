#ifndef UDSRPC_SERVER_GRPC_PEERS_H_
#define UDSRPC_SERVER_GRPC_PEERS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "server/src/caller.h"
#include "server/src/grpc_callers.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

// Who is at the other end of the connections that gRPC is given. Of a call's connection gRPC says nothing but the
// number of the descriptor that it was given ("fd:N"), and it closes that as soon as the client has gone, while calls
// of that client may yet begin and ask who made them. So a number is not given to another client's connection for a
// while: until no call of the former can be left that has not begun. Thread-safe.
class GrpcPeers final : public GrpcCallers {
 public:
  // How long after a connection was found closed, during which gRPC never had to hold calls back, no call of it can be
  // left that has not begun: they begin within microseconds.
  static constexpr std::chrono::seconds kQuarantine{5};

  // Moves `connection` to a number under which no other peer is to be found, from now until it is closed and beyond.
  // What gRPC is to be given. Not valid: there is no such number, as the process has not enough descriptors.
  // `not_held_back_since`: see kQuarantine; time_point::max() while calls are held back.
  UniqueFd Add(UniqueFd connection, std::shared_ptr<const Caller> caller, Clock::time_point now,
               Clock::time_point not_held_back_since);

  // Whose call it is of which gRPC says that its peer is `peer`. Null: of nobody that was added.
  std::shared_ptr<const Caller> Find(absl::string_view peer) const;

  // Has the connection end from which that call came.
  void Close(absl::string_view peer);

  // Whether the connection from which that call came has ended: has been closed, be it by the client alone so far.
  bool HasEnded(absl::string_view peer) const;

  // GrpcCallers
  std::shared_ptr<const Caller> Of(const grpc::ServerContext& call) const override { return Find(call.peer()); }
  void CloseConnection(const grpc::ServerContext& call) override { Close(call.peer()); }
  bool HasConnectionEnded(const grpc::ServerContext& call) const override { return HasEnded(call.peer()); }
  void ForgetClosed(Clock::time_point now, Clock::time_point not_held_back_since) override {
    Sweep(now, not_held_back_since);
  }

  // Whether a connection that was added is still open.
  bool HasOpen();

  // Lets go of what is kept of connections whose numbers may be used again. As Add.
  void Sweep(Clock::time_point now, Clock::time_point not_held_back_since) {
    internal::MutexLock lock(adding_);
    SweepEntries(now, not_held_back_since);
  }

 private:
  struct Entry {
    uint64_t socket;  // as the kernel numbers them, none twice
    std::optional<Clock::time_point> closed;
  };

  // False: there is none.
  bool MoveToUntakenNumber(UniqueFd& connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(adding_);
  void SweepEntries(Clock::time_point now, Clock::time_point not_held_back_since)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(adding_);

  mutable internal::Mutex adding_;  // held for system calls
  absl::flat_hash_map<int, Entry> entries_ ABSL_GUARDED_BY(adding_);
  int next_number_ ABSL_GUARDED_BY(adding_) = 0;  // below it there has been none lately
  size_t adds_ ABSL_GUARDED_BY(adding_) = 0;      // since the last sweep
  size_t adds_to_sweep_ ABSL_GUARDED_BY(adding_) = 0;

  mutable internal::Mutex mutex_;  // what every call takes, with or without the other
  absl::flat_hash_map<int, std::shared_ptr<const Caller>> callers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_GRPC_PEERS_H_

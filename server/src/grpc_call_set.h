#ifndef UDSRPC_SERVER_GRPC_CALL_SET_H_
#define UDSRPC_SERVER_GRPC_CALL_SET_H_

#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/async_generic_service.h>

#include <array>
#include <atomic>
#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "server/src/dispatch.h"
#include "server/src/grpc_callers.h"
#include "server/src/grpc_poller_pool.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

class GrpcServerCall;

// The calls of a gRPC server: asks the library for them, and knows at shutdown which of them are left. Thread-safe.
class GrpcCallSet {
 public:
  // All arguments must outlive the set.
  GrpcCallSet(const MethodTable& methods, size_t max_metadata_bytes, GrpcCallers& callers,
              grpc::AsyncGenericService& service, grpc::ServerCompletionQueue& queue, GrpcPollerPool& pool)
      : methods_(methods),
        max_metadata_bytes_(max_metadata_bytes),
        callers_(callers),
        service_(service),
        queue_(queue),
        pool_(pool) {}

  const MethodTable& methods() const { return methods_; }
  size_t max_metadata_bytes() const { return max_metadata_bytes_; }
  GrpcCallers& callers() const { return callers_; }
  GrpcPollerPool& pool() const { return pool_; }
  // Notices which connections have been closed, unless that was done a moment ago: it takes a system call for each.
  void MayForgetClosedConnections();
  GrpcPollerPool::Handler::UsualTime& usual_time(const ServerMethod& method);

  // Asks for the first calls.
  void Start();
  // Asks for a call in the place of one that has begun, which is alive. Put off while very many wait for threads, or
  // much of theirs: what is not asked for stays with the library and its client, where nobody can say whose turn it is,
  // or refuse it.
  void RequestAnother();
  // Asks for what was put off, once fewer wait. A call of this set is alive.
  void RequestPostponed();
  // Of requests that have come and that no handler has begun to serve.
  void AddWaitingBytes(size_t bytes) { waiting_bytes_.fetch_add(bytes, std::memory_order_relaxed); }
  void RemoveWaitingBytes(size_t bytes) { waiting_bytes_.fetch_sub(bytes, std::memory_order_relaxed); }
  // Since when as many calls are asked for as there are to be. time_point::max() while some are put off.
  GrpcCallers::Clock::time_point not_held_back_since() const;

  // Every call that begins ends. False: the server is shutting down, and the call is to be refused.
  bool Begin(GrpcServerCall& call, bool reads);
  // `running`: what Begin said.
  void End(bool running);
  // False: the call has been refused while its request was read.
  bool EndReading(GrpcServerCall& call);

  // From now on tells clients of ours, with each answer, to make their next call on a new connection.
  void AnnounceSuccessor() { has_successor_.store(true, std::memory_order_relaxed); }
  bool has_successor() const { return has_successor_.load(std::memory_order_relaxed); }

  // From now on refuses calls that begin, and refuses those that no handler has begun to serve.
  void Drain();
  // The library is about to cancel all calls that are left.
  void MarkAllCancelled() { all_cancelled_.store(true); }
  const std::atomic<bool>& all_cancelled() const { return all_cancelled_; }
  // Blocks until all calls that began before Drain have ended, or until `deadline`.
  void AwaitRunning(absl::Time deadline);
  // Blocks until the refused ones have ended, too.
  void AwaitEnd(absl::Time deadline);
  // When the last call ended.
  absl::Time last_end() const;

 private:
  void Request();
  bool HasBacklog() const;

  // The table has no room for more of each method, so methods may share one: an estimate is all that it is.
  static constexpr size_t kUsualTimes = 256;

  const MethodTable& methods_;
  const size_t max_metadata_bytes_;
  GrpcCallers& callers_;
  grpc::AsyncGenericService& service_;
  grpc::ServerCompletionQueue& queue_;
  GrpcPollerPool& pool_;
  std::array<GrpcPollerPool::Handler::UsualTime, kUsualTimes> usual_times_{};
  std::atomic<GrpcCallers::Clock::duration> forgot_closed_at_{};  // by GrpcCallers' clock
  std::atomic<size_t> waiting_bytes_{0};
  std::atomic<int> postponed_{0};
  std::atomic<GrpcCallers::Clock::duration> requested_at_{};  // what had been put off, last; by GrpcCallers' clock
  std::atomic<bool> all_cancelled_{false};
  std::atomic<bool> has_successor_{false};

  mutable internal::Mutex mutex_;
  internal::CondVar ended_;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
  int running_ ABSL_GUARDED_BY(mutex_) = 0;  // of these, those that began before Drain
  absl::Time last_end_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  absl::flat_hash_set<GrpcServerCall*> reading_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_GRPC_CALL_SET_H_

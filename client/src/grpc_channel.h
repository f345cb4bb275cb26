#ifndef UDSRPC_CLIENT_GRPC_CHANNEL_H_
#define UDSRPC_CLIENT_GRPC_CHANNEL_H_

#include <grpcpp/channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/src/dialer.h"
#include "client/src/grpc_link.h"
#include "client/src/start_queue.h"
#include "udsrpc/client_context.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

// A gRPC channel, replaced by a fresh one once it has failed to connect. gRPC itself would answer every call with the
// old failure until its backoff is over, which is 100 ms at the least; a fresh channel asks the kernel at each call,
// and on one host the kernel knows at once.
//
// Where more is wanted of a connection than that it be made (see Dialer::is_plain) it is made here, and given to gRPC,
// whose channel is then of that one connection. Thread-safe.
class GrpcChannel {
 public:
  // `target` is for gRPC to connect to, where it does, and is not told a long path.
  GrpcChannel(std::string target, std::unique_ptr<Dialer> dialer, const grpc::ChannelArguments& arguments)
      : target_(std::move(target)), dialer_(std::move(dialer)), arguments_(arguments) {}

  // What to make a call on. The call keeps it until it has ended. Null: where connections are made here, and there is
  // none, or none any more.
  std::shared_ptr<GrpcLink> Current();

  // Whether there is a connection.
  bool IsReady();
  // Whether a call is to wait until it IsReady, as gRPC does not connect.
  bool must_connect() const { return !dialer_->is_plain(); }

  // Tries to connect, or where gRPC does that asks the kernel whether a server listens. Blocks for some 20 ms at most.
  StartQueue::Attempt Probe();

  // Blocks until Probe has succeeded: for a call that waits for ready as ListenerWait::Await; for another one only
  // while the server's backlog is full.
  absl::Status AwaitReady(ClientContext& context, absl::Time deadline);

  // `link` could not connect, or is lost, or its server has a successor: the next call gets another, unless it does
  // already.
  void Replace(const GrpcLink& link);

  // Whether no call has been made for so long that the connection's end may have gone unnoticed: gRPC reads from a
  // connection only while some thread waits on some completion queue.
  bool LongUnused() const;
  void MarkUsed() { last_use_.store(NowNanoseconds(), std::memory_order_relaxed); }

 private:
  std::shared_ptr<GrpcLink> MakeLink() const;
  std::shared_ptr<GrpcLink> CurrentLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Makes a connection where there is none, or waits a little for another thread that does.
  StartQueue::Attempt Connect();
  absl::StatusOr<std::shared_ptr<GrpcLink>> Dial(int* error) const;
  // A server listens: of a long path that was reached by way of another directory, or of none, the next call is to find
  // this one. gRPC itself would ask there for ever.
  void OnListenerFound();

  static int64_t NowNanoseconds() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

  const std::string target_;
  const std::unique_ptr<Dialer> dialer_;
  const grpc::ChannelArguments arguments_;
  std::atomic<int64_t> last_use_{0};

  internal::Mutex mutex_;
  internal::CondVar changed_;
  bool connecting_ ABSL_GUARDED_BY(mutex_) = false;  // some thread is, here
  std::shared_ptr<GrpcLink> current_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_CHANNEL_H_

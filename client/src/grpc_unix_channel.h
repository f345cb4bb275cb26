#ifndef UDSRPC_CLIENT_GRPC_UNIX_CHANNEL_H_
#define UDSRPC_CLIENT_GRPC_UNIX_CHANNEL_H_

#include <grpcpp/support/channel_arguments.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/src/dialer.h"
#include "client/src/grpc_channel.h"
#include "client/src/grpc_link.h"
#include "client/src/start_queue.h"
#include "udsrpc/client_context.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

// To a Unix socket: a gRPC channel, replaced by a fresh one once it has failed to connect. gRPC itself would answer
// every call with the old failure until its backoff is over, which is 100 ms at the least; a fresh channel asks the
// kernel at each call, and on one host the kernel knows at once.
//
// Where more is wanted of a connection than that it be made (see Dialer::is_plain) it is made here, and given to gRPC,
// whose channel is then of that one connection. Thread-safe.
class GrpcUnixChannel final : public GrpcChannel {
 public:
  // `target` is for gRPC to connect to, where it does, and is not told a long path.
  GrpcUnixChannel(std::string target, std::unique_ptr<Dialer> dialer, const grpc::ChannelArguments& arguments)
      : target_(std::move(target)), dialer_(std::move(dialer)), arguments_(arguments) {}

  std::shared_ptr<GrpcLink> Current() override;
  bool IsReady() override;
  bool must_connect() const override { return !dialer_->is_plain(); }
  // Where gRPC connects, asks the kernel whether a server listens.
  StartQueue::Attempt Probe() override;
  absl::Status AwaitReady(ClientContext& context, absl::Time deadline) override;
  void Replace(const GrpcLink& link) override;
  bool is_remote() const override { return false; }

 private:
  std::shared_ptr<GrpcLink> MakeLink() const;
  std::shared_ptr<GrpcLink> MadeOrMake();
  std::shared_ptr<GrpcLink> CurrentLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Makes a connection where there is none, or waits a little for another thread that does.
  StartQueue::Attempt Connect();
  absl::StatusOr<std::shared_ptr<GrpcLink>> Dial(int* error) const;
  // A server listens: of a long path that was reached by way of another directory, or of none, the next call is to find
  // this one. gRPC itself would ask there for ever.
  void OnListenerFound();

  const std::string target_;
  const std::unique_ptr<Dialer> dialer_;
  const grpc::ChannelArguments arguments_;

  internal::Mutex mutex_;
  internal::CondVar changed_;
  bool connecting_ ABSL_GUARDED_BY(mutex_) = false;  // some thread is, here
  std::shared_ptr<GrpcLink> current_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_UNIX_CHANNEL_H_

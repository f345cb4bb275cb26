#ifndef UDSRPC_CLIENT_GRPC_CHANNEL_H_
#define UDSRPC_CLIENT_GRPC_CHANNEL_H_

#include <grpc/grpc.h>
#include <grpcpp/channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/channel_arguments.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/src/start_queue.h"
#include "common/src/socket/socket_address.h"
#include "common/src/socket/unique_fd.h"
#include "udsrpc/client_context.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// A gRPC channel, replaced by a fresh one once it has failed to connect. gRPC itself would answer every call with the
// old failure until its backoff is over, which is 100 ms at the least; a fresh channel asks the kernel at each call,
// and on one host the kernel knows at once. Thread-safe.
class GrpcChannel {
 public:
  struct Link {
    Link(std::shared_ptr<grpc::Channel> made, UniqueFd of_path)
        : directory(std::move(of_path)), channel(made), stub(std::move(made)) {}

    const UniqueFd directory;  // of a long path, by way of which it connects
    const std::shared_ptr<grpc::Channel> channel;
    grpc::GenericStub stub;
  };

  // `address` is the target's, where it has one that the kernel takes. Where that is long the target is not used.
  GrpcChannel(std::string target, std::optional<SocketAddress> address, const grpc::ChannelArguments& arguments)
      : target_(std::move(target)), address_(std::move(address)), arguments_(arguments) {}

  // The channel to make a call on. The call keeps it until it has ended.
  std::shared_ptr<Link> Current();

  // Whether there is a connection.
  bool IsReady() { return Current()->channel->GetState(/*try_to_connect=*/false) == GRPC_CHANNEL_READY; }
  // Asks the kernel whether a server listens; does not block.
  StartQueue::Attempt Probe();

  // Blocks, for a call that waits for ready, until a server listens. As ListenerWait::Await.
  absl::Status AwaitReady(absl::string_view name, ClientContext& context, absl::Time deadline);

  // `link` could not connect, or its server has a successor: the next call gets another, unless it does already.
  void Replace(const Link& link);

  // Whether no call has been made for so long that the connection's end may have gone unnoticed: gRPC reads from a
  // connection only while some thread waits on some completion queue.
  bool LongUnused() const;
  void MarkUsed() { last_use_.store(NowNanoseconds(), std::memory_order_relaxed); }

 private:
  std::shared_ptr<Link> MakeLink() const;
  // A server listens: of a long path that was reached by way of another directory, or of none, the next call is to find
  // this one. gRPC itself would ask there for ever.
  void OnListenerFound();

  static int64_t NowNanoseconds() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

  const std::string target_;
  const std::optional<SocketAddress> address_;
  const grpc::ChannelArguments arguments_;
  std::atomic<int64_t> last_use_{0};

  internal::Mutex mutex_;
  std::shared_ptr<Link> current_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_CHANNEL_H_

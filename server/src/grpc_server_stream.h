#ifndef UDSRPC_SERVER_GRPC_SERVER_STREAM_H_
#define UDSRPC_SERVER_GRPC_SERVER_STREAM_H_

#include <grpcpp/alarm.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/support/byte_buffer.h>

#include <atomic>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "server/src/grpc_callers.h"
#include "server/src/grpc_poller_pool.h"
#include "server/src/grpc_tag.h"
#include "udsrpc/internal/call_sizes.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/server_context.h"
#include "udsrpc/server_stream.h"

namespace udsrpc {

// The messages of a call that the gRPC library serves, beyond the one request and the one response.
class GrpcServerStream final : public ServerStream {
 public:
  // All arguments must outlive it. `all_cancelled`: the server's shutdown cancels, or has cancelled, every call.
  GrpcServerStream(const ServerContext& context, const GrpcCallers& callers, GrpcPollerPool& pool,
                   grpc::CompletionQueue& queue, const std::atomic<bool>& all_cancelled, internal::CallSizes& sizes)
      : context_(context),
        callers_(callers),
        pool_(pool),
        queue_(queue),
        all_cancelled_(all_cancelled),
        sizes_(sizes) {}

  // Where the library keeps the call.
  grpc::GenericServerContext& grpc_context() { return grpc_context_; }
  const grpc::GenericServerContext& grpc_context() const { return grpc_context_; }
  grpc::GenericServerAsyncReaderWriter& grpc_stream() { return grpc_stream_; }

  bool Read(google::protobuf::MessageLite& message) override;
  // At most one message is under way: the library's word for it is awaited by what is sent next, which is when it has
  // mostly come. To wait for it here would cost a switch of threads a message wherever another thread polls.
  bool Write(const google::protobuf::MessageLite& message) override;
  void AttachFds(std::vector<UniqueFd> fds) override;
  std::vector<UniqueFd> TakeFds() override { return {}; }
  void SendInitialMetadata() override;

  // Blocks until nothing is under way. From then on the call may be finished, with the status returned where that is
  // not OK. Nothing is read or written any more.
  absl::Status Close();

  // Has the library know the metadata that goes with what is sent next. False: that has been done. For what writes.
  bool AddInitialMetadata();
  // Has the call end with `status`, if it is the first, whatever the handler says.
  void Fail(absl::Status status);
  grpc::CompletionQueue& queue() { return queue_; }

  // Whether a read has failed because nobody waits for the call any more, and not because the client half-closed, as
  // far as can be known before the library's own word of it, which may come later.
  bool FailedReadMeansCancelled() const;

 private:
  // Something that a handler's threads ask of the library and wait for.
  class Operation final : public GrpcTag {
   public:
    explicit Operation(GrpcServerStream& stream) : stream_(stream) {}

    void* Begin() {
      completion_.Begin();
      return Release();
    }
    GrpcPollerPool::Handler* Proceed(bool ok) override;
    // Blocks until what has begun has ended. Whether all has succeeded so far.
    bool Await() {
      stream_.pool_.Await(completion_);
      return !failed_;
    }

   private:
    GrpcServerStream& stream_;
    GrpcPollerPool::Completion completion_;
    bool failed_ = false;
    std::optional<grpc::Alarm> behind_;
  };

  const ServerContext& context_;
  const GrpcCallers& callers_;
  GrpcPollerPool& pool_;
  grpc::CompletionQueue& queue_;
  const std::atomic<bool>& all_cancelled_;
  internal::CallSizes& sizes_;
  grpc::GenericServerContext grpc_context_;
  grpc::GenericServerAsyncReaderWriter grpc_stream_{&grpc_context_};

  // What reads: one thread at a time.
  Operation read_{*this};
  bool readable_ = true;
  // What writes: one thread at a time.
  Operation write_{*this};
  bool initial_metadata_sent_ = false;
  bool fds_refused_ = false;  // the call has failed for descriptors

  internal::Mutex mutex_;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_GRPC_SERVER_STREAM_H_

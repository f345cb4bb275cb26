#ifndef UDSRPC_SERVER_GRPC_ASYNC_SERVER_STREAM_H_
#define UDSRPC_SERVER_GRPC_ASYNC_SERVER_STREAM_H_

#include <grpcpp/alarm.h>
#include <grpcpp/support/byte_buffer.h>

#include <deque>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "server/src/grpc_poller_pool.h"
#include "server/src/grpc_tag.h"
#include "udsrpc/async_server_stream.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

class GrpcServerCall;

// The stream of a call that the gRPC library serves and whose handler is a coroutine. Completions run as handlers of
// the pool. Outlives the call where it is shared.
//
// As in GrpcServerStream at most one message is under way to the client; the next one waits for the library's word for
// it.
class GrpcAsyncServerStream final : public AsyncServerStream {
 public:
  explicit GrpcAsyncServerStream(GrpcServerCall& call) : call_(&call) {}

  std::optional<bool> Read(google::protobuf::MessageLite& message, const Cancellation* stop, Done done) override;
  void StopRead() override;
  std::optional<bool> Write(const google::protobuf::MessageLite& message, Done done) override;
  void AttachFds(std::vector<UniqueFd> fds) override;
  std::vector<UniqueFd> TakeFds() override { return {}; }
  void SendInitialMetadata() override;
  void Forget(Outstanding outstanding) override;

  // For the call.

  // The handler begins; before that everything gives false.
  void Open();
  // The handler has ended: what is outstanding gives false, and so does what is asked for from now on. True: nothing is
  // under way to the client. Otherwise `sent` is run when that is so.
  bool Close(absl::AnyInvocable<void() &&> sent);
  // The call is about to go; nothing is under way at all.
  void Detach();

 private:
  struct Completion {
    std::optional<Outstanding> of;
    absl::AnyInvocable<void() &&> run;
  };

  // Something that the library is asked to do, once at a time; keeps a reference to the call meanwhile, and while what
  // it brought is being run.
  class Event final : public GrpcTag, public GrpcPollerPool::Handler {
   public:
    using OnEnd = void (GrpcAsyncServerStream::*)(bool ok);
    Event(GrpcAsyncServerStream& stream, OnEnd on_end) : stream_(stream), on_end_(on_end) {}

    bool under_way() const { return under_way_; }  // guarded by the stream's mutex
    // The tag to begin it with, for the stream's call.
    void* Begin(GrpcServerCall& call);

    GrpcPollerPool::Handler* Proceed(bool ok) override;

    void Run() override;
    UsualTime& usual_time() override;
    bool begun() const override { return true; }

   private:
    GrpcAsyncServerStream& stream_;
    const OnEnd on_end_;
    bool under_way_ = false;
    bool failed_ = false;
    std::optional<grpc::Alarm> behind_;
  };

  struct PendingRead {
    google::protobuf::MessageLite* message;
    const Cancellation* stop;
    Done done;
  };
  struct PendingWrite {
    grpc::ByteBuffer bytes;
    Done done;
  };

  void OnRead(bool ok) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnWritten(bool ok) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnStop(bool ok) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // As Read, of what has come, or will not.
  std::optional<bool> TryRead(google::protobuf::MessageLite& message, const Cancellation* stop)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Send(const grpc::ByteBuffer& bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CompleteRead(bool result) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CompleteWrite(bool result) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunCompletions();

  internal::Mutex mutex_;
  GrpcServerCall* call_ ABSL_GUARDED_BY(mutex_);  // null once it is gone
  bool closed_ ABSL_GUARDED_BY(mutex_) = true;
  Event read_event_{*this, &GrpcAsyncServerStream::OnRead};
  Event write_event_{*this, &GrpcAsyncServerStream::OnWritten};
  Event stop_event_{*this, &GrpcAsyncServerStream::OnStop};
  std::optional<grpc::Alarm> stop_alarm_ ABSL_GUARDED_BY(mutex_);

  std::optional<PendingRead> read_ ABSL_GUARDED_BY(mutex_);
  grpc::ByteBuffer received_ ABSL_GUARDED_BY(mutex_);
  bool arrived_ ABSL_GUARDED_BY(mutex_) = false;  // it is in received_, and was not read yet
  bool readable_ ABSL_GUARDED_BY(mutex_) = true;

  std::optional<PendingWrite> write_ ABSL_GUARDED_BY(mutex_);
  bool writable_ ABSL_GUARDED_BY(mutex_) = true;
  absl::AnyInvocable<void() &&> sent_ ABSL_GUARDED_BY(mutex_);

  bool cancel_ ABSL_GUARDED_BY(mutex_) = false;  // the call's context is to be, ahead of the completions
  std::deque<Completion> completions_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_GRPC_ASYNC_SERVER_STREAM_H_

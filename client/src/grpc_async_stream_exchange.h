#ifndef UDSRPC_CLIENT_GRPC_ASYNC_STREAM_EXCHANGE_H_
#define UDSRPC_CLIENT_GRPC_ASYNC_STREAM_EXCHANGE_H_

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>

#include <deque>
#include <memory>
#include <optional>

#include "absl/functional/any_invocable.h"
#include "client/src/grpc_async_call.h"
#include "client/src/grpc_async_stream.h"

namespace udsrpc {

// The stream as the library has it: what was asked for and waits for its turn, and what is under way. The first of all
// is the start, then at most one read and one write at a time, and at last, when no message is left, the status.
class GrpcAsyncStream::Exchange final : public GrpcAsyncCall, public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(const Transport& transport, const MethodDescriptor& method, ClientContext& context)
      : GrpcAsyncCall(transport, method, context) {}

  void Start(const google::protobuf::MessageLite* request);
  // `message` null: initial metadata.
  std::optional<bool> Read(google::protobuf::MessageLite* message, Done done);
  // `message` null: the half-close.
  std::optional<bool> Write(const google::protobuf::MessageLite* message, bool last, Done done);
  // The next message would have descriptors: ends the call.
  void RefuseFds();
  std::optional<absl::Status> Finish(StatusDone done);
  void Forget(Outstanding outstanding);

 private:
  struct Completion {
    Outstanding of;
    absl::AnyInvocable<void() &&> run;
  };

  // One that the library has, at times.
  class Event final : public GrpcAsyncQueue::Operation {
   public:
    using Handler = void (Exchange::*)(bool ok);
    Event(Exchange& exchange, Handler handler) : exchange_(exchange), handler_(handler) {}

    void* Begin();
    bool under_way() const { return self_ != nullptr; }
    void OnEnd(bool ok) override { exchange_.OnEvent(*this, ok); }

   private:
    friend class Exchange;

    Exchange& exchange_;
    const Handler handler_;
    std::shared_ptr<Exchange> self_;  // while the library has it
  };

  struct PendingRead {
    google::protobuf::MessageLite* message;
    Done done;
  };
  struct PendingWrite {
    grpc::ByteBuffer bytes;  // not valid: the half-close
    bool last;
    Done done;
  };

  void Launch() override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FailStart(absl::Status status) override ABSL_UNLOCK_FUNCTION(mutex_);

  void OnEvent(Event& event, bool ok);
  // Each is told of the end of its event.
  void OnStarted(bool ok) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnRead(bool ok) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnInitialMetadata(bool ok) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnWritten(bool ok) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnStatus(bool ok) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Begins what can be begun of what was asked for.
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AdvanceRead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AdvanceWrite() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AdvanceFinish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Initial metadata has come or never will. False: the call has been failed for it.
  bool TakeInitial() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Has the call end now, with `status` if it is the first.
  void Fail(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void CompleteRead(bool result) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CompleteWrite(bool result) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Without the mutex.
  void RunCompletions() ABSL_UNLOCK_FUNCTION(mutex_);

  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_ ABSL_GUARDED_BY(mutex_);
  Event start_event_{*this, &Exchange::OnStarted};
  Event read_event_{*this, &Exchange::OnRead};
  Event initial_event_{*this, &Exchange::OnInitialMetadata};
  Event write_event_{*this, &Exchange::OnWritten};
  Event status_event_{*this, &Exchange::OnStatus};

  grpc::ByteBuffer request_ ABSL_GUARDED_BY(mutex_);
  bool started_ ABSL_GUARDED_BY(mutex_) = false;

  std::optional<PendingRead> read_ ABSL_GUARDED_BY(mutex_);
  grpc::ByteBuffer received_ ABSL_GUARDED_BY(mutex_);
  bool initial_known_ ABSL_GUARDED_BY(mutex_) = false;
  bool readable_ ABSL_GUARDED_BY(mutex_) = true;           // no read has failed
  bool no_more_messages_ ABSL_GUARDED_BY(mutex_) = false;  // none are left in the library either

  std::optional<PendingWrite> write_ ABSL_GUARDED_BY(mutex_);
  bool writable_ ABSL_GUARDED_BY(mutex_) = true;  // no write has failed
  bool half_closed_ ABSL_GUARDED_BY(mutex_) = false;

  bool finishing_ ABSL_GUARDED_BY(mutex_) = false;
  StatusDone finish_ ABSL_GUARDED_BY(mutex_);
  grpc::Status grpc_status_ ABSL_GUARDED_BY(mutex_);
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);  // what the call was failed with here
  absl::Status status_ ABSL_GUARDED_BY(mutex_);   // once over_

  std::deque<Completion> completions_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_ASYNC_STREAM_EXCHANGE_H_

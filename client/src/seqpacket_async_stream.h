#ifndef UDSRPC_CLIENT_SEQPACKET_ASYNC_STREAM_H_
#define UDSRPC_CLIENT_SEQPACKET_ASYNC_STREAM_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "client/src/completion_turn.h"
#include "client/src/seqpacket_async_call.h"
#include "google/protobuf/message_lite.h"
#include "udsrpc/async_call.h"

namespace udsrpc {

// An asynchronous streaming call over seqpacket.
class SeqpacketAsyncStream final : public AsyncClientStream, private SeqpacketAsyncCall {
 public:
  using SeqpacketAsyncCall::Transport;

  // Begins the call. `request` is sent, with the half-close, where it is not null; it is not kept.
  SeqpacketAsyncStream(const Transport& transport, const MethodDescriptor& method, ClientContext& context,
                       const google::protobuf::MessageLite* request);
  ~SeqpacketAsyncStream() override;

  std::optional<bool> Read(google::protobuf::MessageLite& message, Done done) override;
  std::optional<bool> Write(const google::protobuf::MessageLite& message, bool last, Done done) override;
  void AttachFds(std::vector<UniqueFd> fds) override;
  std::vector<UniqueFd> TakeFds() override;
  std::optional<bool> WritesDone(Done done) override;
  std::optional<bool> WaitForInitialMetadata(Done done) override;
  void Forget(Outstanding outstanding) override;

 private:
  std::optional<absl::Status> FinishCall(StatusDone done) override;

  // What is asked for and not done yet.
  struct PendingRead {
    google::protobuf::MessageLite* message;  // null: initial metadata
    Done done;
  };
  struct PendingWrite {
    const google::protobuf::MessageLite* message;  // null: the half-close
    bool last;
    bool begun;  // the rest is on its way
    internal::OutgoingFds fds;
    Done done;
  };
  using Completion = absl::AnyInvocable<void() &&>;

  void Proceed() override ABSL_UNLOCK_FUNCTION(mutex_);
  // The next completion that may run, or null, and what it is of.
  Completion NextCompletion(Outstanding& of) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Each does what it is asked for as far as that can be done now; nothing: not yet.
  std::optional<bool> TryPendingRead(google::protobuf::MessageLite* message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::optional<bool> TryPendingWrite(PendingWrite& write) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::optional<absl::Status> TryFinish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::optional<bool> BeginRead(google::protobuf::MessageLite* message, Done done);
  std::optional<bool> BeginWrite(const google::protobuf::MessageLite* message, bool last, Done done);

  // A copy, of one that cannot be sent at once.
  std::unique_ptr<google::protobuf::MessageLite> first_request_;
  internal::OutgoingFds next_fds_ ABSL_GUARDED_BY(mutex_);  // of the next message to be written
  std::optional<PendingRead> read_ ABSL_GUARDED_BY(mutex_);
  std::optional<PendingWrite> write_ ABSL_GUARDED_BY(mutex_);
  StatusDone finish_ ABSL_GUARDED_BY(mutex_);
  bool finishing_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status malformed_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  CompletionTurn<Outstanding> turn_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_SEQPACKET_ASYNC_STREAM_H_

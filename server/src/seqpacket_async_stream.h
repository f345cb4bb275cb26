#ifndef UDSRPC_SERVER_SEQPACKET_ASYNC_STREAM_H_
#define UDSRPC_SERVER_SEQPACKET_ASYNC_STREAM_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "common/src/stream/fragment.h"
#include "common/src/stream/message_reader.h"
#include "udsrpc/async_server_stream.h"
#include "udsrpc/internal/call_fds.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

class SeqpacketServerCall;

// The stream of a call over seqpacket whose handler is a coroutine. What cannot be done at once is tried again by a
// task of the event loop, when something about the call has changed; that task runs the completions, so that they count
// as handlers. Outlives the call where it is shared.
//
// The mutex comes before the connection's, and is not held while completions run.
class SeqpacketAsyncServerStream final : public AsyncServerStream {
 public:
  explicit SeqpacketAsyncServerStream(SeqpacketServerCall& call) : call_(&call) {}

  std::optional<bool> Read(google::protobuf::MessageLite& message, const Cancellation* stop, Done done) override;
  void StopRead() override;
  std::optional<bool> Write(const google::protobuf::MessageLite& message, Done done) override;
  void AttachFds(std::vector<UniqueFd> fds) override;
  std::vector<UniqueFd> TakeFds() override;
  void SendInitialMetadata() override;
  void Forget(Outstanding outstanding) override;

  // For the call.

  // The handler begins; before that everything gives false.
  void Open();
  // Something has changed, or may have.
  void Continue();
  // The handler has ended: what is outstanding gives false, and so does what is asked for from now on. False: a message
  // was cut off in the middle.
  bool Close();
  // After Close. As Write.
  std::optional<bool> WriteResponse(const google::protobuf::MessageLite& response, internal::OutgoingFds fds,
                                    Done done);
  // The call is about to go.
  void Detach();

 private:
  // What is asked for and not done yet.
  struct PendingRead {
    google::protobuf::MessageLite* message;
    const Cancellation* stop;
    Done done;
  };
  struct PendingWrite {
    const google::protobuf::MessageLite* message;
    internal::OutgoingFds fds;
    std::unique_ptr<LongMessage> rest;  // not null once a part of it is on its way
    Done done;
  };
  using Completion = absl::AnyInvocable<void() &&>;

  // The next completion that may run, or null.
  Completion NextCompletion() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropWrite() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::optional<bool> BeginWrite(const google::protobuf::MessageLite& message, internal::OutgoingFds fds, Done done)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Each does what it is asked for as far as that can be done now; nothing: not yet, and the call continues then.
  std::optional<bool> TryRead(google::protobuf::MessageLite& message, const Cancellation* stop)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::optional<bool> TryWrite(PendingWrite& write) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  internal::Mutex mutex_;
  SeqpacketServerCall* call_ ABSL_GUARDED_BY(mutex_);  // null once it is gone
  bool closed_ ABSL_GUARDED_BY(mutex_) = true;
  bool truncated_ ABSL_GUARDED_BY(mutex_) = false;  // a message was begun and will not go on
  MessageReader reader_ ABSL_GUARDED_BY(mutex_);
  internal::OutgoingFds next_fds_ ABSL_GUARDED_BY(mutex_);                   // of the next message to be written
  std::unique_ptr<internal::IncomingFds> read_fds_ ABSL_GUARDED_BY(mutex_);  // of the message read last; null: none
  std::optional<PendingRead> read_ ABSL_GUARDED_BY(mutex_);
  std::optional<PendingWrite> write_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_SEQPACKET_ASYNC_STREAM_H_

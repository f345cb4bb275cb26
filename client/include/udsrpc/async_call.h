#ifndef UDSRPC_ASYNC_CALL_H_
#define UDSRPC_ASYNC_CALL_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "udsrpc/internal/call_count.h"
#include "udsrpc/unique_fd.h"

namespace google::protobuf {
class MessageLite;
}

// Calls that no thread waits for, as a transport carries them, without the types of their messages. Implemented by
// udsrpc, and called by generated stubs and the faces in async_client.h only: functions are added without notice.
//
// Completions run on a thread of the channel's or its executor, never within the function that they were given to. They
// must not block, as they hold up all asynchronous calls of their channel, and must not throw. A completion may destroy
// the object that it was given to; whoever destroys that elsewhere does it while no completion of it runs, and none
// will run then.

namespace udsrpc {

class Channel;

// A unary call, to be started. Keeps its channel alive; the context, the request and the response must outlive it.
class AsyncUnaryCall {
 public:
  using Done = absl::AnyInvocable<void(absl::Status) &&>;

  // Cancels the call if it has not ended.
  virtual ~AsyncUnaryCall() = default;

  // Once. `done` gets what Channel::UnaryCall would return.
  void Start(Done done);

 private:
  friend class Channel;

  virtual void StartCall(Done done) = 0;

  // Of the object that the caller has; those that it is made of have none. The count ends before the others go.
  std::shared_ptr<const Channel> channel_;
  Done done_;
  internal::CallCount count_;
};

// A streaming call under way. Keeps its channel alive; the context must outlive it. One read (of any thread) and one
// write may be outstanding at a time.
//
// Each function returns at once. Either with the result that its namesake of ClientStream has, and `done` is destroyed
// and not run; or with nothing, and `done` gets the result later. Until then messages must not be touched or destroyed.
class AsyncClientStream {
 public:
  using Done = absl::AnyInvocable<void(bool) &&>;
  using StatusDone = absl::AnyInvocable<void(absl::Status) &&>;

  // Cancels the call if it has not ended.
  virtual ~AsyncClientStream() = default;

  virtual std::optional<bool> Read(google::protobuf::MessageLite& message, Done done) = 0;
  virtual std::optional<bool> Write(const google::protobuf::MessageLite& message, bool last, Done done) = 0;
  // The next message that is written takes `fds` along; see ClientWriter::Write. For what writes.
  virtual void AttachFds(std::vector<UniqueFd> fds) = 0;
  // As ClientStream::TakeFds. For what reads.
  virtual std::vector<UniqueFd> TakeFds() = 0;
  // Counts as a write.
  virtual std::optional<bool> WritesDone(Done done) = 0;
  // Counts as a read; the result says nothing.
  virtual std::optional<bool> WaitForInitialMetadata(Done done) = 0;
  // Once, beside no read or write.
  std::optional<absl::Status> Finish(StatusDone done);

  // The outstanding read, write or Finish is not waited for any more: its completion will not run, and its message not
  // be touched. Nothing else of the kind can be asked for afterwards; the call goes on.
  enum class Outstanding { kRead, kWrite, kFinish };
  virtual void Forget(Outstanding outstanding) = 0;

  // As ClientStream::Elsewhere.
  static AsyncClientStream& Elsewhere();

 private:
  friend class Channel;

  virtual std::optional<absl::Status> FinishCall(StatusDone done) = 0;

  // As of AsyncUnaryCall.
  std::shared_ptr<const Channel> channel_;
  StatusDone done_;  // of Finish
  internal::CallCount count_;
};

}  // namespace udsrpc

#endif  // UDSRPC_ASYNC_CALL_H_

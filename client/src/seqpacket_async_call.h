#ifndef UDSRPC_CLIENT_SEQPACKET_ASYNC_CALL_H_
#define UDSRPC_CLIENT_SEQPACKET_ASYNC_CALL_H_

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "client/src/active_call.h"
#include "client/src/retry_pause.h"
#include "client/src/seqpacket_call.h"
#include "client/src/seqpacket_connection.h"
#include "client/src/seqpacket_connector.h"
#include "client/src/start_queue.h"
#include "common/src/deadline.h"
#include "common/src/stream/message_reader.h"
#include "google/protobuf/message_lite.h"
#include "udsrpc/client_context.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/method.h"

namespace udsrpc {

// What asynchronous calls over seqpacket have in common, whatever their kind: how they come to a connection, or to
// another where the first one's server has not served them, and how they leave it.
//
//   new -> connecting -> [opening ->] open -> over
//
// The mutex comes before the connection's, and is not held while completions run.
class SeqpacketAsyncCall : private StartQueue::Entry, private CallWatcher {
 public:
  // What is referred to must outlive the call.
  struct Transport {
    SeqpacketConnector& connector;
    StartQueue& starts;
    size_t max_message_bytes;
  };

 protected:
  SeqpacketAsyncCall(const Transport& transport, const MethodDescriptor& method, ClientContext& context);
  ~SeqpacketAsyncCall() override;

  // Goes to a connection and sends `request`, where it is not null, and the half-close, where asked for. `response`:
  // the reply is parsed into it where it comes with the status.
  void Begin(const google::protobuf::MessageLite* request, bool half_close, google::protobuf::MessageLite* response);

  // Something has changed, or may have: called with the mutex, which it gives up to run completions, as the last thing
  // that it does. May destroy the call then.
  virtual void Proceed() ABSL_UNLOCK_FUNCTION(mutex_) = 0;

  // Proceed is not called any more.
  void MarkAbandoned() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { abandoned_ = true; }
  // Ends the call here, wherever it is, and waits until nothing refers to it. For destructors, without the mutex.
  void Abandon();

  internal::Mutex mutex_;

  // Whether the call is on a connection and open or ended there; then call() and connection() are to be used.
  bool on_connection() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return state_ == State::kOpen; }
  SeqpacketCall& call() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return *call_; }
  SeqpacketConnection& connection() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return *connection_; }
  bool over() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return state_ == State::kOver; }

  // The rest is for calls that are on their connection.
  //
  // Sends what is left of the request, or of a message. False: there is more.
  bool HasRest() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return rest_ != nullptr; }
  bool SentRequest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // See SeqpacketConnection::TryWrite; the rest is sent by SentRequest.
  SeqpacketConnection::Sent TryWrite(const google::protobuf::MessageLite& message, bool last,
                                     const internal::OutgoingFds& fds) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool TryHalfClose() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether the call's end is none: the server has not served it, and it will be made again, by OnChange.
  bool WillCallAgain() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The next message that has come whole, if any, parsed into `message`.
  std::optional<MessageReader::Outcome> TryRead(google::protobuf::MessageLite& message)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The descriptors of the message that TryRead gave last, of a stream; the context has those of one response.
  std::vector<UniqueFd> TakeReadFds() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return read_fds_ == nullptr ? std::vector<UniqueFd>() : read_fds_->Take();
  }
  // Whether the call has ended, with status(); it has left its connection then. No, where another thread than the
  // connection's own asks.
  bool Over() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  const absl::Status& status() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return status_; }
  MessageReader& reader() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return reader_; }

  const MethodDescriptor method_;
  ClientContext& context_;

 private:
  enum class State { kNew, kConnecting, kOpening, kOpen, kOver };

  // Hears of a cancellation while the call waits for a connection.
  class Connecting final : public ActiveCall {
   public:
    explicit Connecting(SeqpacketAsyncCall& call) : call_(call) {}

   protected:
    void OnCancel() override { call_.transport_.starts.Cancel(call_); }

   private:
    SeqpacketAsyncCall& call_;
  };

  void OnStart(absl::Status status) override;
  void OnChange() override;
  void OnLeft() override;

  void Connect() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Goes on with it, or says why it cannot.
  absl::Status OnConnected() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OpenOn(std::shared_ptr<SeqpacketConnection> connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TryOpen() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The descriptors of the message that has been read. False: they were dropped, as the call has ended here.
  bool KeepFds() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CallAgain() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes the call off its connection.
  void Leave() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The same, behind the connection's.
  void Depart() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Transport transport_;
  Deadline deadline_;
  Connecting connecting_{*this};
  const google::protobuf::MessageLite* request_ = nullptr;
  google::protobuf::MessageLite* response_ = nullptr;
  bool half_close_ = false;

  State state_ ABSL_GUARDED_BY(mutex_) = State::kNew;
  int attempts_ ABSL_GUARDED_BY(mutex_) = 0;
  RetryPause pause_ ABSL_GUARDED_BY(mutex_);  // between attempts, from so many on
  std::shared_ptr<SeqpacketConnection> connection_ ABSL_GUARDED_BY(mutex_);
  std::optional<SeqpacketCall> call_ ABSL_GUARDED_BY(mutex_);
  bool replayable_ ABSL_GUARDED_BY(mutex_) = true;     // nothing was written but the request
  bool request_left_ ABSL_GUARDED_BY(mutex_) = false;  // to be written once the call is open
  std::unique_ptr<LongMessage> rest_ ABSL_GUARDED_BY(mutex_);
  MessageReader reader_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<internal::IncomingFds> read_fds_ ABSL_GUARDED_BY(mutex_);  // null: none
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  bool abandoned_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_SEQPACKET_ASYNC_CALL_H_

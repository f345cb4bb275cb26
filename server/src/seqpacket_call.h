#ifndef UDSRPC_SERVER_SEQPACKET_CALL_H_
#define UDSRPC_SERVER_SEQPACKET_CALL_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/src/deadline.h"
#include "common/src/stream/credit.h"
#include "common/src/stream/inbound_messages.h"
#include "common/src/stream/message_reader.h"
#include "common/src/timer_queue.h"
#include "common/src/wire/limits.h"
#include "common/src/wire/packet_buffer.h"
#include "server/src/call_record.h"
#include "server/src/event_loop.h"
#include "server/src/seqpacket_async_stream.h"
#include "server/src/server_call.h"
#include "server/src/user.h"
#include "udsrpc/internal/call_fds.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/server_context.h"
#include "udsrpc/service.h"

namespace udsrpc {

class SeqpacketServerConnection;

// A call that came over a seqpacket connection, from its CALL frame until its handler has returned. While it waits to
// be run and is run it belongs to the task that it is; where its handler is a coroutine, to itself from then on.
class SeqpacketServerCall final : public ServerCall, public ServerContext, public ServerStream, public EventLoop::Task {
 public:
  // What the connection knows of the call. Guarded by the connection's mutex.
  struct Flow {
    explicit Flow(size_t max_message_bytes) : inbound(max_message_bytes) {}

    InboundMessages inbound;
    User::Held held;  // of what has come and is kept
    SendCredit credit{wire::kInitialCallCredit};
    bool half_closed = false;       // by the client
    bool initial_sent = false;      // initial metadata is on its way
    bool ended = false;             // no longer open: its STATUS is on its way, or the connection has closed
    bool being_cancelled = false;   // a thread runs its callbacks
    bool kept = false;              // its handler is a coroutine
    bool cancel_queued = false;     // of a kept call: a task runs its callbacks, or has
    bool reads_on = false;          // its thread waits by leading the loop, and not for `changed`
    bool awaited = false;           // its stream is to be gone on with at the next change
    internal::RareCondVar changed;  // what a handler may wait for
  };

  SeqpacketServerCall(std::shared_ptr<SeqpacketServerConnection> connection, uint32_t id, const ServerMethod& method,
                      MethodPace& pace, Deadline deadline, Metadata metadata, size_t max_message_bytes,
                      User::Share in_flight);
  ~SeqpacketServerCall() override;

  // The request came with the CALL, and `fds` with it. It is a view of `packet`.
  void SetRequest(PacketBuffer packet, absl::string_view request, internal::IncomingFds fds);

  uint32_t id() const { return id_; }
  SeqpacketServerConnection& connection() { return *connection_; }
  const ServerMethod& server_method() const { return method_; }
  Flow& flow() { return flow_; }
  // Begun and ended with the connection's mutex held.
  CallRecord& record() { return record_; }

  // The client does not want the answer any more; what IsCancelled says from now on. Its callbacks are run beside that.
  void MarkCancelled() { cancelled_.store(true, std::memory_order_release); }
  // Has the connection cancel it when its deadline comes. Before it runs, or by its handler.
  void CancelAtDeadline();
  // OK while somebody waits for the answer.
  absl::Status Wanted() const;
  absl::Duration Remaining() const { return expires_.Remaining(Deadline::Clock::now()); }

  // Those that the handler has attached to its response; null: none.
  internal::OutgoingFds attached_fds() const { return internal::CallFds::Attached(fds_); }

  // For a call that was kept: goes on with its stream; runs its cancellation's callbacks.
  std::unique_ptr<EventLoop::Task> MakeContinuation();
  std::unique_ptr<EventLoop::Task> MakeCanceller();

  // Of its stream: a message did not parse.
  bool malformed() const { return malformed_.load(std::memory_order_relaxed); }
  void MarkMalformed() { malformed_.store(true, std::memory_order_relaxed); }

  // EventLoop::Task
  void Run(std::unique_ptr<EventLoop::Task> self) override;
  void Park() override;
  TurnTaker* owner() override;
  Deadline::Clock::time_point wanted_until() const override { return expires_.at(); }
  MethodPace* pace() override { return &pace_; }

  // ServerCall
  ServerContext& context() override { return *this; }
  Metadata& client_metadata() override { return client_metadata_; }
  bool ParseRequest(google::protobuf::MessageLite& request) override;
  ServerStream& stream() override { return *this; }
  std::shared_ptr<AsyncServerStream> async_stream() override;
  void Keep(std::unique_ptr<Handling> handling) override;
  void Finish(const absl::Status& status, const google::protobuf::MessageLite* response) override;

  // ServerContext
  absl::string_view method() const override { return method_.path(); }
  const Peer& peer() const override;
  bool IsCancelled() const override { return !Wanted().ok(); }
  void AddCancelCallback(Cancellation::Callback callback) override;

  // ServerStream
  bool Read(google::protobuf::MessageLite& message) override;
  bool Write(const google::protobuf::MessageLite& message) override;
  void AttachFds(std::vector<UniqueFd> fds) override;
  std::vector<UniqueFd> TakeFds() override;
  void SendInitialMetadata() override;

 private:
  class Continuation;
  class Canceller;

  // What the call ends with whose handler has returned `status`.
  absl::Status ResultOf(const absl::Status& status) const;
  void FinishKept(const absl::Status& status, const google::protobuf::MessageLite* response);
  // What a call ends with whose response went ahead of its status.
  absl::Status ResponseSent(bool sent) const;
  void EndKept(const absl::Status& status, const google::protobuf::MessageLite* response);
  void Unref();

  // The timer keeps the connection, and its socket, until it expires.
  void RemoveTimer();
  MessageReader::Outcome ReadMessage(google::protobuf::MessageLite& message);

  const std::shared_ptr<SeqpacketServerConnection> connection_;
  const User::Share in_flight_;  // of the connection's user
  const uint32_t id_;
  const ServerMethod& method_;
  MethodPace& pace_;
  const Deadline expires_;
  PacketBuffer packet_;
  bool has_request_ = false;
  absl::string_view request_;  // of packet_, or of parked_
  std::string parked_;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> malformed_{false};
  std::atomic<bool> has_timer_{false};  // callbacks may be added by several threads
  std::optional<TimerQueue::Id> timer_;
  MessageReader reader_;
  internal::OutgoingFds next_fds_;                   // of the next message to be written
  std::unique_ptr<internal::IncomingFds> read_fds_;  // of the message read last; null: none
  Flow flow_;
  CallRecord record_;

  // Of a call that was kept, which owns itself.
  std::unique_ptr<EventLoop::Task>* self_ = nullptr;  // while Run has it
  std::unique_ptr<Handling> handling_;
  std::shared_ptr<SeqpacketAsyncServerStream> async_stream_;
  std::atomic<int> references_{1};  // the handler's, and one a task
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_SEQPACKET_CALL_H_

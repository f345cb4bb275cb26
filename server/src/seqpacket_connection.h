#ifndef UDSRPC_SERVER_SEQPACKET_CONNECTION_H_
#define UDSRPC_SERVER_SEQPACKET_CONNECTION_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/src/socket/packet_sender.h"
#include "common/src/stream/byte_queue.h"
#include "common/src/stream/credit.h"
#include "common/src/stream/credit_queue.h"
#include "common/src/stream/fd_receiver.h"
#include "common/src/stream/fragment.h"
#include "common/src/wire/frame.h"
#include "common/src/wire/limits.h"
#include "common/src/wire/packet_buffer.h"
#include "common/src/wire/stream_frame.h"
#include "server/src/answer.h"
#include "server/src/caller.h"
#include "server/src/dispatch.h"
#include "server/src/event_loop.h"
#include "server/src/seqpacket_call.h"
#include "udsrpc/internal/call_fds.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

class SeqpacketServerTransport;
struct ServingLoop;

// The server's end of one seqpacket connection: reads frames, makes calls of them, and sends what the calls answer.
// Whatever the peer sends ends this connection at worst. Thread-safe.
class SeqpacketServerConnection final : public EventLoop::Source {
 public:
  // Takes an accepted socket. `transport`, and `loop`, which is one of its loops, must outlive the connection's life in
  // the loop and its calls.
  SeqpacketServerConnection(SeqpacketServerTransport& transport, ServingLoop& loop, UniqueFd socket,
                            std::shared_ptr<const Caller> caller);
  ~SeqpacketServerConnection() override;

  const Peer& peer() const { return caller_->peer(); }

  // Begins to read. RESOURCE_EXHAUSTED: it cannot, and is closed.
  absl::Status Start();

  // Takes no further calls and closes once the running ones have been answered. No call is lost: the client can send
  // none from now on, and those that it has sent and that were not read yet are refused.
  void Drain();

  // Another server listens at this address now: asks the client to move to it, and serves its calls until it has. Once
  // it answers that it opens no more, and these have ended, drains.
  void Farewell();

  // Sends what is queued, as far as the socket takes it, says goodbye and closes. Running calls are cancelled and
  // their answers dropped.
  void Close(absl::string_view why);

  // EventLoop::Source
  void OnReadable(std::vector<std::unique_ptr<EventLoop::Task>>& tasks) override;
  bool Poll(std::vector<std::unique_ptr<EventLoop::Task>>& tasks) override;
  void OnWritable() override;
  void Flush() override;

  // For calls, on their handlers' threads.

  const MethodTable& methods() const;

  const Caller& caller() const { return *caller_; }

  // Ends the call, with what its handler returned. Blocks where the response is long and the client has no room.
  void FinishCall(SeqpacketServerCall& call, const absl::Status& status, const google::protobuf::MessageLite* response);
  // Blocks until message bytes have come, and moves them to `into`. False: no more will.
  bool Fetch(SeqpacketServerCall& call, ByteQueue& into);
  // The descriptors of the first message that has some and whose were not asked for.
  internal::IncomingFds TakeFds(SeqpacketServerCall& call);
  // OK, or why the response of a call may not have `fds`.
  absl::Status CheckAttached(const SeqpacketServerCall& call, const std::vector<UniqueFd>& fds) const;
  // Blocks while the client has no room. False: the call was cancelled, or has ended as it may not send `fds`.
  bool Write(SeqpacketServerCall& call, const google::protobuf::MessageLite& message, const internal::OutgoingFds& fds);
  void SendInitialMetadata(SeqpacketServerCall& call);
  // For kept calls, whose handlers are coroutines. These do not block.

  // To be called before the coroutine begins.
  void Keep(SeqpacketServerCall& call);
  void QueueInitialMetadataOf(SeqpacketServerCall& call);
  // Moves message bytes that have come to `into`. Whether any had.
  bool TryFetch(SeqpacketServerCall& call, ByteQueue& into);
  // Whether there is something to fetch, or will be; then the call is gone on with once there is, or may be.
  enum class Messages { kHere, kAwaited, kNoMore };
  Messages AwaitMessages(SeqpacketServerCall& call);
  // Sends a message, or where there is credit for a part of it only begins to, and leaves the rest to `rest`. kWait:
  // the call is gone on with when there may be more. kNever: the call was cancelled.
  enum class Sent { kYes, kWait, kNever };
  Sent TryWrite(SeqpacketServerCall& call, const google::protobuf::MessageLite& message,
                const internal::OutgoingFds& fds, std::unique_ptr<LongMessage>& rest);
  // kYes: all of it is on its way.
  Sent TryWriteRest(SeqpacketServerCall& call, LongMessage& rest);
  // Has a call gone on with that waits.
  void ContinueSoon(SeqpacketServerCall& call);
  // Has it gone on with whether or not it waits.
  void ContinueBeside(SeqpacketServerCall& call);
  // It does not wait to write any more.
  void GiveUpWriting(SeqpacketServerCall& call);
  // Runs the callbacks of calls that were cancelled.
  void CancelWaiting();

  static absl::Status UntakenFdsError(absl::string_view method);
  // Why the response of a call that may go on could not be written ahead of its status.
  static absl::Status UnsentResponseError(const SeqpacketServerCall& call);
  SeqpacketServerTransport& transport() { return transport_; }
  ServingLoop& serving_loop() { return loop_; }

  // Takes `self` over while the client does not take its answers.
  void MayPostpone(std::unique_ptr<EventLoop::Task>& self);
  // Cancels the call when its deadline comes, for those who want to be told.
  TimerQueue::Id CancelAt(SeqpacketServerCall& call, Deadline::Clock::time_point deadline);
  void RemoveTimer(const TimerQueue::Id& timer);

 private:
  using Tasks = std::vector<std::unique_ptr<EventLoop::Task>>;
  class FragmentsOf;

  // Of a handler's messages, above which it is not worth while to wait for more to share a send with.
  static constexpr size_t kSendAtOnceBytes = wire::kMaxPacketBytes;
  // The same of answers: so that a client with many calls outstanding works on the first while the next are made. Half
  // as much is no quicker with 256 calls of 64 bytes; with a whole packet each end waits for the other (half as many
  // calls a second).
  static constexpr size_t kAnswersAtOnceBytes = 8192;

  // Holds the mutex, and then runs the callbacks of the calls that were cancelled meanwhile, or has others run them.
  class ABSL_SCOPED_LOCKABLE Session {
   public:
    explicit Session(SeqpacketServerConnection& connection) ABSL_EXCLUSIVE_LOCK_FUNCTION(connection.mutex_)
        : connection_(connection) {
      connection_.mutex_.Lock();
    }
    ~Session() ABSL_UNLOCK_FUNCTION();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

   private:
    SeqpacketServerConnection& connection_;
  };

  // The same for a thread that must not run callbacks, as it holds another lock, or is within a handler, which may: it
  // leaves them to a task of the loop.
  class ABSL_SCOPED_LOCKABLE AsyncSession {
   public:
    explicit AsyncSession(SeqpacketServerConnection& connection) ABSL_EXCLUSIVE_LOCK_FUNCTION(connection.mutex_)
        : connection_(connection) {
      connection_.mutex_.Lock();
    }
    ~AsyncSession() ABSL_UNLOCK_FUNCTION();
    AsyncSession(const AsyncSession&) = delete;
    AsyncSession& operator=(const AsyncSession&) = delete;

   private:
    SeqpacketServerConnection& connection_;
  };

  // What a method's number stands for on this connection.
  struct NumberedMethod {
    const ServerMethod* method;  // null: the server has none of that path
    MethodPace* pace;            // of the method
    CallCounters* counters;      // of the method, or of all that there are not
    std::string unknown_path;
  };
  // What a call names.
  struct ResolvedMethod {
    const ServerMethod* method = nullptr;
    MethodPace* pace = nullptr;
    CallCounters* counters = nullptr;
    absl::Status unknown;  // where there is no such method
  };

  std::shared_ptr<SeqpacketServerConnection> Self();

  // Whether packets had come.
  bool ReadPackets(Tasks& tasks) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool ReadPacket(Tasks& tasks) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What comes in. A status that is not OK is a connection error.
  absl::Status OnPacket(absl::string_view packet, const PacketBuffer& buffer, Tasks& tasks)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnFrame(const wire::RawFrame& frame, const PacketBuffer& buffer, Tasks& tasks)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnHello(const wire::RawFrame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnCall(const wire::RawFrame& frame, const PacketBuffer& buffer, Tasks& tasks)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnMessage(const wire::RawFrame& frame, const PacketBuffer& buffer, Tasks& tasks)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnHalfClose(const wire::RawFrame& frame, Tasks& tasks) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnCredit(const wire::RawFrame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnCancel(const wire::RawFrame& frame, Tasks& tasks) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnPing(const wire::RawFrame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Counts a call that is not to be run.
  void RecordRefused(const wire::CallFrame& call, const ResolvedMethod& resolved, const absl::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Runs the handler of a call that waited for its one request, once that is there or will not come.
  void MayDispatch(uint32_t id, Tasks& tasks) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Has a long request come on, now or when it is its turn.
  void ReceiveLongRequest(uint32_t id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ResolveMethod(const wire::CallFrame& call, ResolvedMethod& resolved)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Why a well-formed call is not to be run. `*refused` is set where it may be made again elsewhere.
  absl::Status Admit(const wire::CallFrame& call, const Metadata& metadata, User::Share* in_flight, bool* refused)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Of calls.
  // Something about the call has changed: tells those who wait.
  void Changed(SeqpacketServerCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Hands the loop what Changed has left to it.
  void ContinueCalls() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Blocks until something about the call has changed, or its deadline passes.
  void WaitForChange(SeqpacketServerCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether the call is open still, and wanted.
  bool MayGoOn(SeqpacketServerCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // See FragmentSink::AwaitCredit.
  size_t AwaitCredit(SeqpacketServerCall& call, size_t wanted) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The same without waiting: 0 where the call is to be gone on with.
  size_t TrySpend(SeqpacketServerCall& call, size_t wanted) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Sent SendRest(SeqpacketServerCall& call, LongMessage& rest) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The call will not write what it waited to write.
  Sent LeaveWriting(SeqpacketServerCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether a message of that size may be written, behind the initial metadata, which is queued.
  bool PrepareWrite(SeqpacketServerCall& call, size_t size) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether the call's stream may send `fds`; else the call has ended.
  bool MaySend(SeqpacketServerCall& call, const std::vector<UniqueFd>& fds) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends a call that has come to a message over the limit, or to one that has lost its descriptors.
  void AbortExhausted(SeqpacketServerCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Of the connection's credit, what a call that has ended did not spend.
  void ReturnCredit(size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Wakes the stream whose turn it is to use the connection's credit.
  void SignalNextWriter() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GiveCredit(SeqpacketServerCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Counts what is kept of the call's messages, and where that is too much for its user has the call end.
  void CountKept(SeqpacketServerCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Queues initial metadata, unless that has been done. False: there is more of it than the client accepts.
  bool QueueInitialMetadata(SeqpacketServerCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Answers an open call that has to end before its handler does.
  void Abort(SeqpacketServerCall& call, const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The call is not wanted any more: tells its handler, and those who asked to be told.
  void CancelCall(SeqpacketServerCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Runs what CancelCall has left to be run without the mutex, which it gives up meanwhile.
  void RunCancelCallbacks() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Leaves that to a task of the loop.
  void CancelSoon() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnDeadline(uint32_t id, const SeqpacketServerCall* call);

  // What goes out.
  void QueueAnswer(const Answer& answer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Counts what is queued. False: it is too much even for a client that is about to take it, and not on account of
  // descriptors.
  bool CountQueued() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // More than is counted of what is queued, and than may be beyond the limit: a packet may have thousands of calls,
  // each of which was answered where it was read.
  bool HoldsTooMuch() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether so many descriptors more may wait for the client.
  bool HasRoomForFds(size_t fds) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void QueueGoaway(wire::GoawayReason reason, absl::string_view why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SendQueued() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What the kernel had no memory for.
  void SendAgainSoon() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The same for a message that a handler has written. Where some were written just before it, there will be more: it
  // leaves them to the loop, so that they share packets.
  void SendWritten() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The same at the end of the loop's turn, where the calling thread leads.
  void SendSoon() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void UpdateWatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // How long the connection may be without calls at present.
  absl::Duration IdleLimit() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Has the connection drained once it has been without calls for as long as the server allows.
  void WatchIdleness() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnIdleTimer();
  void QueueFarewell() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnFarewellAnswered(uint64_t token) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AwaitFarewellAnswer() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnFarewellTimer();
  void DrainLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Where frames go that may go ahead of others: of all but HELLO.
  wire::PacketQueue& ControlQueue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void QueueConnectionCredit() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void OnEnd() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Where all calls of a draining connection have been answered: has the client send no more, refuses what it had sent
  // and, once that is done, closes.
  void MayClose() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends the connection of a client that does not take its answers, which are lost.
  void GiveUp() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends the connection after what is queued, as far as the socket takes that; calls are cancelled.
  void CloseLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  EventLoop& loop() const;

  SeqpacketServerTransport& transport_;
  ServingLoop& loop_;
  const std::shared_ptr<const Caller> caller_;
  const UniqueFd socket_;
  // What the client has not taken, when it was counted last.
  User::Held queued_ ABSL_GUARDED_BY(mutex_);
  // What is queued is more than is left to the user: it was not counted.
  bool over_limit_ ABSL_GUARDED_BY(mutex_) = false;
  User::Held queued_fds_ ABSL_GUARDED_BY(mutex_);
  const std::unique_ptr<FdReceiver> fd_receiver_ ABSL_PT_GUARDED_BY(mutex_);  // null: none are accepted

  internal::Mutex mutex_;
  // When the latest packet came, by the clock that costs less; and by that of deadlines, where a call of it has one.
  uint64_t received_ticks_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<Deadline::Clock::time_point> received_ ABSL_GUARDED_BY(mutex_);
  unsigned turns_ ABSL_GUARDED_BY(mutex_) = 0;
  bool more_came_ ABSL_GUARDED_BY(mutex_) = false;  // another packet, when it was looked for last
  bool greeted_ ABSL_GUARDED_BY(mutex_) = false;    // the client's HELLO has come
  bool bids_farewell_ ABSL_GUARDED_BY(mutex_) = false;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool reading_shut_ ABSL_GUARDED_BY(mutex_) = false;  // draining: the client can send no more
  bool read_all_ ABSL_GUARDED_BY(mutex_) = false;      // and all that it had sent has been read
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  // Constant before there are calls.
  uint32_t client_max_metadata_ = 0;
  uint16_t client_max_fds_ = 0;
  std::vector<NumberedMethod> methods_ ABSL_GUARDED_BY(mutex_);                        // number 1 first
  absl::flat_hash_map<uint32_t, SeqpacketServerCall*> calls_ ABSL_GUARDED_BY(mutex_);  // those that are open
  // Those that are open, and those that have ended and whose handlers have not.
  uint32_t unfinished_calls_ ABSL_GUARDED_BY(mutex_) = 0;
  // Those of calls_ whose handlers are not to be run before the whole request has come.
  absl::flat_hash_map<uint32_t, std::unique_ptr<SeqpacketServerCall>> receiving_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint32_t> long_requests_ ABSL_GUARDED_BY(mutex_);  // of those, the long ones, in the order of their turns
  Tasks postponed_ ABSL_GUARDED_BY(mutex_);
  std::vector<SeqpacketServerCall*> to_cancel_ ABSL_GUARDED_BY(mutex_);        // their callbacks are to be run
  std::vector<SeqpacketServerCall*> to_cancel_later_ ABSL_GUARDED_BY(mutex_);  // by a task, which is queued
  Tasks to_continue_ ABSL_GUARDED_BY(mutex_);                                  // to be handed to the loop

  CreditQueue<SeqpacketServerCall> send_credit_ ABSL_GUARDED_BY(mutex_);
  bool writer_waits_for_room_ ABSL_GUARDED_BY(mutex_) = false;   // and not for credit alone
  Deadline::Clock::time_point written_ ABSL_GUARDED_BY(mutex_);  // a handler's latest message
  int written_in_succession_ ABSL_GUARDED_BY(mutex_) = 0;
  ReceiveCredit receive_credit_ ABSL_GUARDED_BY(mutex_){wire::kInitialConnectionCredit};

  Deadline::Clock::time_point last_call_ ABSL_GUARDED_BY(mutex_);  // when the last one ended, or it began to wait
  TimerQueue::Id idle_timer_ ABSL_GUARDED_BY(mutex_);
  TimerQueue::Id farewell_timer_ ABSL_GUARDED_BY(mutex_);
  TimerQueue::Id send_timer_ ABSL_GUARDED_BY(mutex_);

  PacketSender sender_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> crowded_{false};  // there was no room in it when it was last flushed
  // As last told to the loop.
  bool watching_readable_ ABSL_GUARDED_BY(mutex_) = true;
  bool watching_writable_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_SEQPACKET_CONNECTION_H_

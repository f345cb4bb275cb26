#ifndef UDSRPC_CLIENT_SEQPACKET_CONNECTION_H_
#define UDSRPC_CLIENT_SEQPACKET_CONNECTION_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/src/keepalive.h"
#include "client/src/seqpacket_call.h"
#include "common/src/deadline_heap.h"
#include "common/src/socket/packet_sender.h"
#include "common/src/spin_policy.h"
#include "common/src/stream/byte_queue.h"
#include "common/src/stream/credit.h"
#include "common/src/stream/credit_queue.h"
#include "common/src/stream/fd_receiver.h"
#include "common/src/stream/fragment.h"
#include "common/src/wire/frame.h"
#include "common/src/wire/packet_buffer.h"
#include "common/src/wire/stream_frame.h"
#include "udsrpc/internal/call_fds.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

// The client's end of one seqpacket connection. The threads that wait for their calls do its work. One of them at a
// time is the reader, which receives for all; when it has what it waited for it hands the role to another. Whoever
// queues a frame sends, unless another thread is sending, which then takes the frame along in its next packet. What is
// left to do when nobody waits, which is to send what a full socket did not take, a thread of the connection's own
// does; it is started for that, and ends when it has had nothing to do for a while.
//
// Thread-safe. A connection that was lost stays lost; its owner makes another. The functions on calls are for the
// call's own threads; a call is opened once, and outlives what is under way for it.
class SeqpacketConnection : public std::enable_shared_from_this<SeqpacketConnection> {
 public:
  struct Limits {
    size_t max_receive_message_bytes;
    size_t max_metadata_bytes;
    size_t max_receive_fds;
    size_t max_untaken_fds;
    absl::Duration keepalive_time;
    absl::Duration keepalive_timeout;
    absl::Duration spin_budget;
  };

  // Takes a connected socket; `name` stands for the endpoint in messages. RESOURCE_EXHAUSTED: no descriptor left, and
  // the socket is not taken.
  static absl::StatusOr<std::shared_ptr<SeqpacketConnection>> Create(UniqueFd&& socket, std::string name,
                                                                     Limits limits);

  ~SeqpacketConnection();

  // No more calls will be opened. With the last of those that there are, its thread ends.
  void Retire();

  // Reads what has come while nobody read, such as the server's goodbye. Whether it takes calls still. Does not block;
  // costs a system call.
  bool LookAlive();

  // Takes no more calls: it is lost, or the server said so. Cheap.
  bool going_away() const { return going_away_.load(std::memory_order_relaxed); }

  // Sends the CALL, and `request` where it is not null, with the descriptors that the context has for it. Blocks while
  // the server takes no more; with descriptors, until it says that it accepts them. Where that fails, the call has
  // ended, and `call.unserved` says whether it can be made again on another connection.
  void Open(SeqpacketCall& call, const google::protobuf::MessageLite* request, bool half_close);

  // Open, with a half-close, and Await for messages, in one.
  bool OpenAndAwait(SeqpacketCall& call, const google::protobuf::MessageLite& request);

  // Whether the call has ended, no handler has run for it and none will.
  bool IsUnserved(const SeqpacketCall& call);

  // Blocks until the call has ended; or until there are messages to fetch, where `or_messages`. Whether there are.
  bool Await(SeqpacketCall& call, bool or_messages);
  // Blocks until initial metadata or a message has come, or the call has ended.
  void AwaitInitialMetadata(SeqpacketCall& call);
  // Blocks until message bytes have come, and moves them to `into`. False: no more will.
  bool Fetch(SeqpacketCall& call, ByteQueue& into);

  // The descriptors of the first message that has some and whose were not asked for.
  internal::IncomingFds TakeFds(SeqpacketCall& call);

  // Blocks while there is no credit; with descriptors, as Open. False: the call has ended, or was half-closed.
  bool Write(SeqpacketCall& call, const google::protobuf::MessageLite& message, bool last,
             const internal::OutgoingFds& fds);
  bool HalfClose(SeqpacketCall& call);

  // The same for calls with a watcher, never blocking; what cannot be done now is to be tried again when the watcher is
  // told.

  // As Open, but leaves a request that is too long for a CALL to be written: `*request_left`. False: it has to wait
  // until there is room. std::system_error, the first time: there is no thread to tell the watcher, and nothing has
  // been done.
  bool OpenWatched(SeqpacketCall& call, const google::protobuf::MessageLite* request, bool half_close,
                   bool* request_left);
  // Whether a watcher is being told by the calling thread.
  bool OnOwnThread() const;
  // Has the watcher told, for a reason of its own.
  void TellWatcher(SeqpacketCall& call);
  // Moves message bytes that have come to `into`. Whether any had.
  bool TryFetch(SeqpacketCall& call, ByteQueue& into);
  enum class Sent { kYes, kWait, kNever };
  // Sends a message, or where there is credit for a part of it only begins to, and leaves the rest to `rest`. kNever:
  // the call has ended or was half-closed.
  Sent TryWrite(SeqpacketCall& call, const google::protobuf::MessageLite& message, bool last,
                const internal::OutgoingFds& fds, std::unique_ptr<LongMessage>& rest);
  // kYes: all of it has been sent.
  Sent TryWriteRest(SeqpacketCall& call, LongMessage& rest);
  bool TryHalfClose(SeqpacketCall& call);
  // It does not wait to write any more.
  void GiveUpWriting(SeqpacketCall& call);
  // How the call stands; ends it where its time is over.
  struct Look {
    bool ended;
    bool initial_metadata_known;
    bool has_messages;
  };
  Look LookAt(SeqpacketCall& call);
  // The watcher is not being told of it, unless by the calling thread, and will not be.
  void Unwatch(SeqpacketCall& call);

  // Further messages are dropped.
  void DiscardMessages(SeqpacketCall& call);
  // The end of a stream is asked for. One that was cancelled before that ends as cancelled, as in gRPC, though the
  // server's status may have come.
  void BeginFinish(SeqpacketCall& call);
  // Ends the call here, unless it has ended, and tells the server.
  void End(SeqpacketCall& call, absl::Status status);
  // The same, for ActiveCall::OnCancel: a call that is not open yet ends once it is.
  void Cancel(SeqpacketCall& call);

 private:
  friend class SeqpacketConnectionDriver;  // of the fuzzers: does what the own thread would, without one

  // Holds the mutex, as a thread that will not wait any more; what that leaves to be done others are told to do.
  class ABSL_SCOPED_LOCKABLE Session {
   public:
    explicit Session(SeqpacketConnection& connection) ABSL_EXCLUSIVE_LOCK_FUNCTION(connection.mutex_)
        : connection_(connection) {
      connection_.mutex_.Lock();
    }
    ~Session() ABSL_UNLOCK_FUNCTION() {
      connection_.HandOn();
      connection_.mutex_.Unlock();
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

   private:
    SeqpacketConnection& connection_;
  };

  // Of calls that are open, and of those that ended here and that the server has not confirmed: until the server has
  // said how many it accepts, and whatever it says.
  static constexpr uint32_t kCallsBeforeHello = 16384;
  static constexpr uint32_t kMaxCalls = 1 << 20;

  class FragmentsOf;

  // A watcher that is to be told, of a call that has left or has not.
  struct Telling {
    SeqpacketCall* call;
    CallWatcher* watcher;
    bool left;
  };

  // A STATUS whose call was claimed for it.
  struct Reply {
    SeqpacketCall* call;
    wire::StatusFrame frame;
    absl::Status status;
    std::unique_ptr<MessageFds> fds;  // null: none
  };

  SeqpacketConnection(UniqueFd socket, UniqueFd wake_event, std::string name, Limits limits);

  // Opening and sending.
  absl::Status Start(SeqpacketCall& call, absl::string_view metadata, const google::protobuf::MessageLite* request,
                     bool half_close) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Where there is room. Does not flush.
  absl::Status StartNow(SeqpacketCall& call, absl::string_view metadata, const google::protobuf::MessageLite* request,
                        bool half_close) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Enqueue(SeqpacketCall& call, absl::string_view metadata, const google::protobuf::MessageLite* request,
                       bool half_close, Deadline::Clock::time_point now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Why a call that is to be opened may not send the descriptors that its context has.
  absl::Status CheckAttached(const SeqpacketCall& call, const std::vector<UniqueFd>& fds) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether a stream may send `fds`; else it has ended. The server's HELLO has come.
  bool MaySend(SeqpacketCall& call, const std::vector<UniqueFd>& fds) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Somebody waits for the server's HELLO, which answers this side's, once that is flushed.
  void AskForHello() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Blocks until the server's HELLO has come. False: the call has ended.
  bool AwaitHello(SeqpacketCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Has those told, or woken, who wait for that, or for nothing any more.
  void EndWaitForHello() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Of a call with a watcher, which is told then; has this side's own HELLO sent.
  void TellAtHello(SeqpacketCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LeaveWaitForHello(SeqpacketCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasRoomForCall() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether the CALL can take the request.
  static bool Fits(const SeqpacketCall& call, absl::string_view metadata, const google::protobuf::MessageLite* request);
  uint32_t NextId() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // See FragmentSink::AwaitCredit.
  size_t AwaitCredit(SeqpacketCall& call, size_t wanted) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Blocks while a full socket keeps the first `end` bytes of the queue from being sent, and the call is open. Whether
  // they were sent.
  bool AwaitSent(SeqpacketCall& call, uint64_t end) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Of the connection's credit, what a call that has ended did not spend.
  void ReturnCredit(size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Queues the credit that the call's messages have made room for.
  void GiveCredit(SeqpacketCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Flush() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The kernel has, or may have, all of its CALL.
  bool IsSent(const SeqpacketCall& call) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FailUnsent(absl::string_view why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Waiting.
  // Why `call` cannot go on: cancelled, or past its deadline.
  absl::Status Expired(const SeqpacketCall& call) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Expired(const SeqpacketCall& call, Deadline::Clock::time_point now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends an open call that cannot go on. Whether it is open still.
  bool CheckOpen(SeqpacketCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends a call with a message over the limit, or changes what it has ended with.
  void Exhaust(SeqpacketCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The same as CheckOpen, or whether it is about to end, which is to be waited for.
  bool MayGoOn(SeqpacketCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Reads once, or sleeps while another thread does.
  void WaitOnce(SeqpacketCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Reads for all. `call` is the one that the calling thread waits for; null: the connection's own thread reads.
  void ReadOnce(const SeqpacketCall* call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // With many calls outstanding more may have come meanwhile: one turn for all, so that what they cause shares a
  // packet, too. To look for it costs a system call, so it is done as long as it succeeds, and tried now and then.
  void ReadOn(PacketBuffer& buffer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Receives one packet, without the mutex: at once, or from `now` on within `patience`. `*writable`: the socket is,
  // where that was wanted.
  IoResult Receive(char* buffer, bool want_write, bool* writable, Deadline::Clock::time_point now,
                   absl::Duration patience);
  // For the reader: tries once.
  IoResult TryReceive(char* buffer);
  void OnReceived(const IoResult& received, const PacketBuffer& buffer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Has the reader look at what has changed.
  void WakeReader() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Asks a silent server whether it lives, or gives it up.
  void CheckAlive() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The calling thread will not read: has a waiting one do so.
  void HandOnReading() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The calling thread will not wait: the same, or where nobody waits has the connection's own thread do what is left.
  void HandOn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // There is something to be done, whether or not somebody waits for it.
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ThreadMain();

  // Calls with a watcher.
  void Tell(SeqpacketCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // By the connection's own thread.
  void TellAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Tells one of those that are to be told, unless it has been forgotten meanwhile. Without the mutex.
  void TellOne(Telling& telling);
  // Whether nothing is left to be done for the call, which has its reply: no message to fetch, nor one that was over
  // the limit, and it is not to be made again. It leaves then.
  bool LeavesNow(SeqpacketCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Has the connection's own thread look at what has changed; starts it where there is none.
  void WakeThread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Where there is none. std::system_error: none is to be had.
  void StartThread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Has the next of those that wait for room open.
  void MayOpenNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LeaveOpening(SeqpacketCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // It is going away: has those told, and woken, who wait to open a call. Nobody else may tell them any more: with its
  // last call its thread ends.
  void EndOpening() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // As Flush, but for the own thread, which flushes once for all that it tells.
  void FlushSoon() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WatchDeadline(SeqpacketCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetWatcher(SeqpacketCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropWatcher(SeqpacketCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // It has ended, or was never opened.
  void EndWatch(SeqpacketCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ExpireWatched() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Deadline NextWatchedDeadline() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Wake(SeqpacketCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Wakes the stream whose turn it is to use the connection's credit, though it be the reader.
  void WakeNextWriter() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WakeAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // What comes in.
  void OnPacket(absl::string_view packet, const PacketBuffer& buffer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnFrame(const wire::RawFrame& frame, const PacketBuffer& buffer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnHello(const wire::RawFrame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnGoaway(const wire::RawFrame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnPing(const wire::RawFrame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnCredit(const wire::RawFrame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnInitial(const wire::RawFrame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnMessage(const wire::RawFrame& frame, const PacketBuffer& buffer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether `status`, which is in `frame`, may end the call.
  absl::Status CheckStatus(const SeqpacketCall& call, const wire::StatusFrame& status,
                           const wire::RawFrame& frame) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnStatus(const wire::RawFrame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The open call of that number, or null for one that ended here already. INVALID_ARGUMENT: there is none.
  absl::StatusOr<SeqpacketCall*> FindCall(const wire::RawFrame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status TakeReplies() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ReadReply(Reply& reply, absl::Status& malformed);
  absl::Status CheckMetadata(const SeqpacketCall& call, const Metadata& metadata) const;

  // Endings.
  void Finish(SeqpacketCall& call, absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndLocked(SeqpacketCall& call, absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends the connection for what the server did, and tells it.
  void Reject(absl::string_view error) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Lose(absl::string_view why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends the calls of a lost connection, but for those whose packet another thread is sending.
  void FinishLost() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const UniqueFd socket_;
  const UniqueFd wake_event_;
  const std::string name_;
  const Limits limits_;
  const std::unique_ptr<FdReceiver> fd_receiver_;  // null: none are accepted. The reader's own, as replies_

  std::atomic<bool> going_away_{false};  // set with the mutex held

  mutable internal::Mutex mutex_;
  bool lost_ ABSL_GUARDED_BY(mutex_) = false;
  bool answers_in_order_ ABSL_GUARDED_BY(mutex_) = false;  // a PING's answer is queued behind other frames
  std::string goodbye_ ABSL_GUARDED_BY(mutex_);            // the text of the server's GOAWAY
  bool greeted_ ABSL_GUARDED_BY(mutex_) = false;           // the server's HELLO has come
  uint32_t max_calls_ ABSL_GUARDED_BY(mutex_) = kCallsBeforeHello;
  uint16_t server_max_fds_ ABSL_GUARDED_BY(mutex_) = 0;  // once greeted

  PacketSender sender_ ABSL_GUARDED_BY(mutex_);
  CreditQueue<SeqpacketCall> send_credit_ ABSL_GUARDED_BY(mutex_);
  ReceiveCredit receive_credit_ ABSL_GUARDED_BY(mutex_){wire::kInitialConnectionCredit};
  absl::flat_hash_map<std::string, uint32_t> methods_ ABSL_GUARDED_BY(mutex_);

  uint32_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<uint32_t, SeqpacketCall*> calls_ ABSL_GUARDED_BY(mutex_);
  // Ids of calls that ended here before the server's STATUS came; not to be used again until it does.
  absl::flat_hash_set<uint32_t> abandoned_ ABSL_GUARDED_BY(mutex_);

  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool reader_sleeps_ ABSL_GUARDED_BY(mutex_) = false;  // is in the kernel, or about to be
  std::atomic<bool> reader_woken_{false};               // while it sleeps; set with the mutex held
  SpinPolicy spin_;                                     // these two are the reader's, without the mutex
  TryPolicy try_;
  // What the reader waits for while it sleeps; null of the connection's own thread.
  const SeqpacketCall* reading_for_ ABSL_GUARDED_BY(mutex_) = nullptr;
  Keepalive keepalive_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<Waiter*> followers_ ABSL_GUARDED_BY(mutex_);
  int waiting_for_room_ ABSL_GUARDED_BY(mutex_) = 0;            // calls that are to be opened
  int waiting_for_hello_ ABSL_GUARDED_BY(mutex_) = 0;           // threads
  bool writer_waits_for_room_ ABSL_GUARDED_BY(mutex_) = false;  // and not for credit alone
  int waiting_to_be_sent_ ABSL_GUARDED_BY(mutex_) = 0;          // messages that are queued

  std::thread thread_ ABSL_GUARDED_BY(mutex_);
  bool has_thread_ ABSL_GUARDED_BY(mutex_) = false;  // it has not ended, nor is about to
  bool retired_ ABSL_GUARDED_BY(mutex_) = false;
  internal::CondVar work_;

  // Calls with a watcher.
  size_t watched_calls_ ABSL_GUARDED_BY(mutex_) = 0;
  // Calls that have a watcher, whether or not they have ended: as long as there are some the own thread does not end,
  // as there might be no other to be had when they are to be told.
  size_t watchers_ ABSL_GUARDED_BY(mutex_) = 0;
  bool more_came_ ABSL_GUARDED_BY(mutex_) = false;  // another packet, when the own thread looked for it last
  unsigned turns_ ABSL_GUARDED_BY(mutex_) = 0;      // of the own thread
  bool lingers_ ABSL_GUARDED_BY(mutex_) = false;    // the own thread reads on, as there will be another such call soon
  std::vector<SeqpacketCall*> to_tell_ ABSL_GUARDED_BY(mutex_);  // null: one that is forgotten
  // Those that the own thread is telling, one after the other, without the mutex. With the mutex, others take a call
  // out by setting `call` to null, atomically.
  std::vector<Telling> telling_;
  std::atomic<SeqpacketCall*> told_now_{nullptr};
  std::atomic<int> waiting_for_told_{0};  // threads
  internal::CondVar told_;
  bool flush_wanted_ ABSL_GUARDED_BY(mutex_) = false;
  std::list<SeqpacketCall*> opening_ ABSL_GUARDED_BY(mutex_);  // in the order in which they wait for room
  std::vector<SeqpacketCall*> told_at_hello_ ABSL_GUARDED_BY(mutex_);
  DeadlineHeap<SeqpacketCall> deadlines_ ABSL_GUARDED_BY(mutex_);

  std::vector<Reply> replies_;  // the reader's own, with or without the mutex; kept for its memory
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_SEQPACKET_CONNECTION_H_

#ifndef UDSRPC_CLIENT_SEQPACKET_CONNECTION_H_
#define UDSRPC_CLIENT_SEQPACKET_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/src/pending_call.h"
#include "common/src/socket/packet_sender.h"
#include "common/src/socket/unique_fd.h"
#include "common/src/wire/frame.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// The client's end of one seqpacket connection. It has no thread: the threads that wait for their calls do its work.
// One of them at a time is the reader, which receives for all; when its own call is done it hands the role to another.
// Whoever queues a frame sends, unless another thread is sending, which then takes the frame along in its next packet.
//
// Thread-safe. A connection that was lost stays lost; its owner makes another.
class SeqpacketConnection {
 public:
  struct Limits {
    size_t max_receive_message_bytes;
    size_t max_metadata_bytes;
  };

  // Takes a connected socket; `name` stands for the endpoint in messages. RESOURCE_EXHAUSTED: no descriptor left.
  static absl::StatusOr<std::shared_ptr<SeqpacketConnection>> Create(UniqueFd socket, std::string name, Limits limits);

  // Sends the call and blocks until it is done. Sets call.unserved where the server has not run a handler for it and
  // never will, so that the call can be made again on another connection, and call.last where this one takes no more.
  absl::Status Call(PendingCall& call);

  // For PendingCall: its thread is to look at it again.
  void Cancel(PendingCall& call);

 private:
  // A STATUS whose call was claimed for it.
  struct Reply {
    PendingCall* call;
    wire::StatusFrame frame;
    absl::Status status;
  };

  SeqpacketConnection(UniqueFd socket, UniqueFd wake_event, std::string name, Limits limits);

  // Queueing and sending.
  absl::Status Start(PendingCall& call, absl::string_view metadata, size_t message_bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Why `call` cannot go on waiting: cancelled, or past its deadline.
  absl::Status Expired(const PendingCall& call) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Enqueue(PendingCall& call, absl::string_view metadata, size_t message_bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Flush() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The kernel has, or may have, all of its frame.
  bool IsSent(const PendingCall& call) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FailUnsent() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint32_t NextId() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Waiting.
  void Await(PendingCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Reads once, or sleeps while another thread does.
  void WaitOnce(PendingCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Abandon(PendingCall& call, absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReadOnce(const Deadline& deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void HandOnReading() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // What comes in.
  void OnPacket(absl::string_view packet) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnFrame(const wire::RawFrame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnHello(const wire::RawFrame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnPing(const wire::RawFrame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnStatus(const wire::RawFrame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status TakeReplies() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ReadReply(const Reply& reply, absl::Status& malformed);
  void Finish(PendingCall& call, absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends the connection for what the server did, and tells it.
  void Reject(absl::string_view error) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Lose(absl::string_view why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends the calls of a lost connection, but for those whose packet another thread is sending.
  void FinishLost() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const UniqueFd socket_;
  const UniqueFd wake_event_;
  const std::string name_;
  const Limits limits_;

  mutable internal::Mutex mutex_;
  bool lost_ ABSL_GUARDED_BY(mutex_) = false;
  bool going_away_ ABSL_GUARDED_BY(mutex_) = false;
  std::string goodbye_ ABSL_GUARDED_BY(mutex_);   // the text of the server's GOAWAY
  bool greeted_ ABSL_GUARDED_BY(mutex_) = false;  // the server's HELLO has come

  PacketSender sender_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, uint32_t> methods_ ABSL_GUARDED_BY(mutex_);

  uint32_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<uint32_t, PendingCall*> calls_ ABSL_GUARDED_BY(mutex_);
  // Ids of calls that ended here before the server's STATUS came; not to be used again until it does.
  absl::flat_hash_set<uint32_t> abandoned_ ABSL_GUARDED_BY(mutex_);

  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_set<PendingCall*> followers_ ABSL_GUARDED_BY(mutex_);
  std::vector<Reply> replies_;  // the reader's own, with or without the mutex; kept for its memory
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_SEQPACKET_CONNECTION_H_

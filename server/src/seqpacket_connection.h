#ifndef UDSRPC_SERVER_SEQPACKET_CONNECTION_H_
#define UDSRPC_SERVER_SEQPACKET_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/src/socket/packet_sender.h"
#include "common/src/socket/unique_fd.h"
#include "common/src/wire/frame.h"
#include "server/src/answer.h"
#include "server/src/event_loop.h"
#include "server/src/seqpacket_call.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

class SeqpacketServerTransport;

// The server's end of one seqpacket connection: reads frames, makes calls of them, and sends what the calls answer.
// Whatever the peer sends ends this connection at worst. Thread-safe.
class SeqpacketServerConnection final : public EventLoop::Source {
 public:
  // Takes an accepted socket. `transport` must outlive the connection's life in the loop and its calls.
  SeqpacketServerConnection(SeqpacketServerTransport& transport, UniqueFd socket);
  ~SeqpacketServerConnection() override;

  // Begins to read.
  void Start();

  // Takes no further calls and closes once the running ones have been answered. No call is lost: the client can send
  // none from now on, and those that it has sent and that were not read yet are refused.
  void Drain();

  // Sends what is queued, as far as the socket takes it, says goodbye and closes. Running calls are cancelled and
  // their answers dropped.
  void Close(absl::string_view why);

  // EventLoop::Source
  void OnReadable(std::vector<std::unique_ptr<EventLoop::Task>>& tasks) override;
  void OnWritable() override;
  void Flush() override;

  // For SeqpacketCall::Finish.
  void FinishCall(SeqpacketCall& call, const absl::Status& status, const google::protobuf::MessageLite* response);

 private:
  // What a method's number stands for on this connection.
  struct NumberedMethod {
    const ServerMethod* method;  // null: the server has none of that path
    std::string unknown_path;
  };

  std::shared_ptr<SeqpacketServerConnection> Self();

  // What comes in. A status that is not OK is a connection error.
  absl::Status OnPacket(absl::string_view packet, const std::shared_ptr<char[]>& buffer,
                        std::vector<std::unique_ptr<EventLoop::Task>>& tasks) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnHello(const wire::RawFrame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnCall(const wire::RawFrame& frame, const std::shared_ptr<char[]>& buffer,
                      std::vector<std::unique_ptr<EventLoop::Task>>& tasks) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnCancel(const wire::RawFrame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OnPing(const wire::RawFrame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ResolveMethod(const wire::CallFrame& call, const ServerMethod** method, absl::Status* unknown)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Why a well-formed call is not to be run. `*refused` is set where it may be made again elsewhere.
  absl::Status Admit(const wire::CallFrame& call, const Metadata& metadata, bool* refused)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // What goes out.
  void QueueAnswer(const Answer& answer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void QueueGoaway(wire::GoawayReason reason, absl::string_view why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SendQueued() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void UpdateWatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void OnEnd() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Where all calls of a draining connection have been answered and the answers sent.
  void CloseIfDrained() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends the connection after what is queued, as far as the socket takes that; calls are cancelled.
  void CloseLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  SeqpacketServerTransport& transport_;
  const UniqueFd socket_;

  internal::Mutex mutex_;
  bool greeted_ ABSL_GUARDED_BY(mutex_) = false;  // the client's HELLO has come
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool read_all_ ABSL_GUARDED_BY(mutex_) = false;  // draining, and nothing more will come
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  uint32_t client_max_metadata_ = 0;                             // constant before there are calls
  std::vector<NumberedMethod> methods_ ABSL_GUARDED_BY(mutex_);  // number 1 first
  absl::flat_hash_map<uint32_t, SeqpacketCall*> calls_ ABSL_GUARDED_BY(mutex_);

  PacketSender sender_ ABSL_GUARDED_BY(mutex_);
  // As last told to the loop.
  bool watching_readable_ ABSL_GUARDED_BY(mutex_) = true;
  bool watching_writable_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_SEQPACKET_CONNECTION_H_

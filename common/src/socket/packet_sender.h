#ifndef UDSRPC_COMMON_SOCKET_PACKET_SENDER_H_
#define UDSRPC_COMMON_SOCKET_PACKET_SENDER_H_

#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/src/socket/socket.h"
#include "common/src/wire/packet_queue.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// How many descriptors may wait for a peer that does not read before its connection counts as full, whatever the bytes:
// they are open meanwhile, and a process may have 1,024 by default.
inline constexpr size_t kMaxQueuedFds = 256;

// How soon to send again what the kernel had no memory for.
inline constexpr absl::Duration kSendRetry = absl::Milliseconds(5);

// The sending half of a connection. Threads queue frames and flush; one of them at a time sends, without the mutex, and
// takes along what the others queue meanwhile. Guarded by its connection's mutex.
class PacketSender {
 public:
  // Does not own `fd`.
  explicit PacketSender(int fd) : fd_(fd) {}

  wire::PacketQueue& queue() { return queue_; }
  const wire::PacketQueue& queue() const { return queue_; }
  // Frames that go ahead of those: each must make sense there.
  wire::PacketQueue& control() { return control_; }

  bool empty() const { return queue_.empty() && control_.empty(); }
  size_t bytes() const { return queue_.bytes() + control_.bytes(); }
  // Forgets what is queued.
  void Clear() {
    queue_.Clear();
    control_.Clear();
  }

  // Sends until nothing is queued or the socket is full; gives `mutex` up during each system call. Does nothing while
  // another thread sends, or once the socket was found full, until OnWritable.
  // kDone: there is nothing new to tell. kWouldBlock, kNoMemory: the socket has just become full, or as if it were.
  // kClosed, kFailed: see IoResult; what was not sent is still queued.
  IoResult Flush(internal::Mutex& mutex) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  // The socket was full; whoever waits for events is to call OnWritable when there is room, and then Flush.
  bool blocked() const { return blocked_; }
  void OnWritable() { blocked_ = starved_ = false; }
  // It was not, but there was no memory: there is no event to wait for then, so it is to be as if there were one after
  // kSendRetry.
  bool starved() const { return starved_; }
  bool waits_for_room() const { return blocked_ && !starved_; }

  // Some thread is in Flush.
  bool sending() const { return sending_; }
  // Bytes of queue()'s packet that is being sent this moment: counted as taken, and nobody knows yet whether it will be
  // sent.
  size_t bytes_in_flight() const { return bytes_in_flight_; }

 private:
  const int fd_;
  wire::PacketQueue queue_;
  wire::PacketQueue control_;
  bool sending_ = false;
  bool blocked_ = false;
  bool starved_ = false;
  size_t bytes_in_flight_ = 0;
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_SOCKET_PACKET_SENDER_H_

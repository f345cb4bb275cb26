#ifndef UDSRPC_TESTS_FUZZ_SEQPACKET_CONNECTION_DRIVER_H_
#define UDSRPC_TESTS_FUZZ_SEQPACKET_CONNECTION_DRIVER_H_

#include "client/src/seqpacket_connection.h"
#include "common/src/socket/socket.h"
#include "tests/fuzz/check.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// A client's connection whose own thread the fuzzer's stands for. So nobody may wait for a call of it.
class SeqpacketConnectionDriver {
 public:
  // Before there are calls: none is started.
  static void TakeOver(SeqpacketConnection& connection) {
    internal::MutexLock lock(connection.mutex_);
    FUZZ_CHECK(!connection.has_thread_);
    connection.has_thread_ = true;
  }

  // What the own thread does at a time, without waiting for it. Whether it told somebody.
  static bool Turn(SeqpacketConnection& connection) {
    internal::MutexLock lock(connection.mutex_);
    FUZZ_CHECK(!connection.thread_.joinable() && !connection.reading_ && connection.followers_.empty());
    connection.ExpireWatched();
    if (!connection.to_tell_.empty()) {
      connection.TellAll();
      return true;
    }
    if (connection.HasWork()) {
      SignalWakeEvent(connection.wake_event_.get());  // it would sleep
      connection.ReadOnce(nullptr);
    }
    return false;
  }
};

}  // namespace udsrpc

#endif  // UDSRPC_TESTS_FUZZ_SEQPACKET_CONNECTION_DRIVER_H_

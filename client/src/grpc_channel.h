#ifndef UDSRPC_CLIENT_GRPC_CHANNEL_H_
#define UDSRPC_CLIENT_GRPC_CHANNEL_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/src/grpc_link.h"
#include "client/src/start_queue.h"
#include "udsrpc/client_context.h"

namespace udsrpc {

// What calls over gRPC are made on, and who connects it. Thread-safe.
class GrpcChannel {
 public:
  virtual ~GrpcChannel() = default;

  // What to make a call on. The call keeps it until it has ended. Null: where connections are made here, and there is
  // none, or none any more.
  virtual std::shared_ptr<GrpcLink> Current() = 0;

  // Whether there is a connection, or it is for gRPC alone to wait for one.
  virtual bool IsReady() = 0;
  // Whether a call is to wait until it IsReady, as gRPC does not connect.
  virtual bool must_connect() const = 0;

  // Tries to connect, where that is done here. Blocks for some 20 ms at most.
  virtual StartQueue::Attempt Probe() = 0;

  // Blocks until Probe has succeeded: for a call that waits for ready as ListenerWait::Await; for another one only
  // while the server's backlog is full.
  virtual absl::Status AwaitReady(ClientContext& context, absl::Time deadline) = 0;

  // `link` could not connect, or is lost, or its server has a successor: the next call gets another, unless it does
  // already, or gRPC sees to it.
  virtual void Replace(const GrpcLink& link) = 0;

  // Whether it leaves the host.
  virtual bool is_remote() const = 0;

  // Whether no call has been made for so long that the connection's end may have gone unnoticed: gRPC reads from a
  // connection only while some thread waits on some completion queue.
  bool LongUnused() const { return NowNanoseconds() - last_use_.load(std::memory_order_relaxed) > kLongUnused.count(); }
  void MarkUsed() { last_use_.store(NowNanoseconds(), std::memory_order_relaxed); }

 private:
  // Calls in close succession never pay for the look at the connection, about 6 us; no server restarts within this.
  static constexpr std::chrono::nanoseconds kLongUnused = std::chrono::milliseconds(1);

  static int64_t NowNanoseconds() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

  std::atomic<int64_t> last_use_{0};
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_CHANNEL_H_

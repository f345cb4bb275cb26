#ifndef UDSRPC_TESTS_FUZZ_EVENT_LOOP_DRIVER_H_
#define UDSRPC_TESTS_FUZZ_EVENT_LOOP_DRIVER_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "server/src/event_loop.h"
#include "tests/fuzz/check.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// An event loop without threads: the fuzzer's leads, a turn at a time. So handlers must not block.
class EventLoopDriver {
 public:
  static std::unique_ptr<EventLoop> Make(std::shared_ptr<HandlerSlots> slots) {
    absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Make(std::move(slots), absl::ZeroDuration());
    FUZZ_CHECK(loop.ok());
    Lead(**loop);
    return *std::move(loop);
  }

  // Reads what is there, runs the handlers of it, and sends what they answer. Whether any ran.
  static bool Turn(EventLoop& loop) {
    internal::MutexLock lock(loop.mutex_);
    const uint64_t before = loop.handler_count_;
    loop.ReadSources(absl::ZeroDuration());
    loop.RunReady();
    loop.FlushDeferred();
    FUZZ_CHECK(loop.CallerLeads());
    return loop.handler_count_ != before;
  }

 private:
  static void Lead(EventLoop& loop) {
    internal::MutexLock lock(loop.mutex_);
    // As if there were another thread, so that none is started.
    loop.has_leader_ = loop.has_standby_ = true;
    loop.BecomeLeader();
  }
};

}  // namespace udsrpc

#endif  // UDSRPC_TESTS_FUZZ_EVENT_LOOP_DRIVER_H_

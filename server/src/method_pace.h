#ifndef UDSRPC_SERVER_METHOD_PACE_H_
#define UDSRPC_SERVER_METHOD_PACE_H_

#include <algorithm>
#include <atomic>

#include "udsrpc/server.h"

namespace udsrpc {

// Which threads the handlers of a method are to run on, learned from how long they took. One that runs on the thread
// that read its request delays all that this thread would read until another takes over; one that is handed to another
// thread costs a wake-up. So a method goes to other threads while more than about one in fifty of its handlers is slow,
// and comes back once they have been quick for a while. Thread-safe.
class MethodPace {
 public:
  explicit MethodPace(const MethodOptions& options) : dispatch_(options.dispatch) {}

  bool goes_to_pool() const {
    if (dispatch_ == MethodOptions::Dispatch::kAdaptive) return slowness_.load(std::memory_order_relaxed) >= kSlow;
    return dispatch_ == MethodOptions::Dispatch::kPool;
  }

  // A handler of it has taken so long that another thread took the lead over, or would have.
  void OnSlow() {
    slowness_.store(std::min(slowness_.load(std::memory_order_relaxed) + kWeight, kSlowest), std::memory_order_relaxed);
  }
  // One has not. Of two threads that count at a time one may count in vain, which does no harm.
  void OnQuick() {
    if (const int slowness = slowness_.load(std::memory_order_relaxed); slowness > 0) {
      slowness_.store(slowness - 1, std::memory_order_relaxed);
    }
  }

 private:
  // Quick ones that a slow one outweighs. A hand-over costs 5 to 50 us, a slow handler delays the others by 1 to 2 ms.
  static constexpr int kWeight = 50;
  // Two slow ones in succession, as one may be an accident; and what it takes to come back from the worst.
  static constexpr int kSlow = 2 * kWeight - 1;
  static constexpr int kSlowest = 4 * kWeight;

  const MethodOptions::Dispatch dispatch_;
  std::atomic<int> slowness_{0};
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_METHOD_PACE_H_

#include "server/src/handler_slots.h"

#include "server/src/event_loop.h"

namespace udsrpc {

bool HandlerSlots::TryTake() {
  int taken = taken_.load();
  while (taken < most_) {
    if (taken_.compare_exchange_weak(taken, taken + 1)) return true;
  }
  return false;
}

void HandlerSlots::Release(const EventLoop& loop) {
  if (taken_.fetch_sub(1) < most_) return;
  for (EventLoop* other : loops_) {
    if (other != &loop) other->OnSlotFree();
  }
}

}  // namespace udsrpc

#include "server/src/handler_slots.h"

#include <algorithm>
#include <cstddef>

#include "server/src/event_loop.h"

namespace udsrpc {

int HandlerSlots::available(const EventLoop& loop) const { return loop.granted_slots() + (most_ - taken_.load()); }

bool HandlerSlots::TryTake(EventLoop& loop) {
  if (loop.UseGrantedSlot()) return true;
  int taken = taken_.load();
  while (taken < most_) {
    if (taken_.compare_exchange_weak(taken, taken + 1)) return true;
  }
  return false;
}

void HandlerSlots::Release(const EventLoop& loop) {
  if (taken_.load() >= most_ && GrantToOther(loop)) return;
  if (taken_.fetch_sub(1) < most_) return;
  for (EventLoop* other : loops_) {
    if (other != &loop) other->OnSlotFree();
  }
}

void HandlerSlots::GiveBackGranted(EventLoop& loop) {
  while (loop.UseGrantedSlot()) Release(loop);
}

bool HandlerSlots::GrantToOther(const EventLoop& loop) {
  const auto own = std::find(loops_.begin(), loops_.end(), &loop) - loops_.begin();
  for (size_t i = 1; i < loops_.size(); ++i) {
    // Those behind it first, so that each has its turn.
    if (loops_[(static_cast<size_t>(own) + i) % loops_.size()]->GrantSlotIfStarved()) return true;
  }
  return false;
}

}  // namespace udsrpc

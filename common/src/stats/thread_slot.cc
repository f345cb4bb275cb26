#include "common/src/stats/thread_slot.h"

#include <bitset>

#include "common/src/fork.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {
namespace {

// Never destroyed, as threads may end after main.
struct Slots {
  Slots() { HoldAcrossForks(mutex); }

  internal::Mutex mutex;
  std::bitset<ThreadSlot::kExclusive> taken ABSL_GUARDED_BY(mutex);
};

Slots& AllSlots() {
  static Slots* const slots = new Slots;
  return *slots;
}

}  // namespace

thread_local constinit int ThreadSlot::mine_ = -1;

int ThreadSlot::Acquire() {
  // Gives it back when the thread ends; what is counted behind that goes to the shared one.
  struct Holder {
    ~Holder() {
      const int slot = *mine;
      *mine = kShared;
      if (slot == kShared) return;
      Slots& slots = AllSlots();
      internal::MutexLock lock(slots.mutex);
      slots.taken.reset(static_cast<size_t>(slot));
    }
    int* mine;
  };
  thread_local Holder holder{&mine_};
  Slots& slots = AllSlots();
  internal::MutexLock lock(slots.mutex);
  for (int slot = 0; slot < kExclusive; ++slot) {
    if (slots.taken.test(static_cast<size_t>(slot))) continue;
    slots.taken.set(static_cast<size_t>(slot));
    return *holder.mine = slot;
  }
  return *holder.mine = kShared;
}

}  // namespace udsrpc

#ifndef UDSRPC_SERVER_HANDLER_SLOTS_H_
#define UDSRPC_SERVER_HANDLER_SLOTS_H_

#include <atomic>
#include <vector>

namespace udsrpc {

class EventLoop;

// How many handlers may run at once, in all the loops of a server together. Thread-safe; all access is sequentially
// consistent: a loop that finds none free says so and looks again, and who releases one looks for such loops after
// that.
class HandlerSlots {
 public:
  // At least 1.
  explicit HandlerSlots(int most) : most_(most) {}

  int most() const { return most_; }
  bool available() const { return taken_.load() < most_; }
  bool several_available() const { return taken_.load() + 1 < most_; }
  // False: all are taken.
  bool TryTake();
  // By a thread of `loop`, which looks for its own tasks itself.
  void Release(const EventLoop& loop);

  // Before any is taken. The loop must outlive those.
  void AddLoop(EventLoop& loop) { loops_.push_back(&loop); }

 private:
  const int most_;
  std::atomic<int> taken_{0};
  std::vector<EventLoop*> loops_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_HANDLER_SLOTS_H_

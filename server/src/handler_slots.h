#ifndef UDSRPC_SERVER_HANDLER_SLOTS_H_
#define UDSRPC_SERVER_HANDLER_SLOTS_H_

#include <atomic>
#include <vector>

namespace udsrpc {

class EventLoop;

// How many handlers may run at once, in all the loops of a server together. Where none is free, loops that wait for one
// have them in turns. Thread-safe; all access is sequentially consistent: a loop that finds none free says so and looks
// again, and who releases one looks for such loops after that.
class HandlerSlots {
 public:
  // At least 1.
  explicit HandlerSlots(int most) : most_(most) {}

  int most() const { return most_; }
  // How many `loop` could take.
  int available(const EventLoop& loop) const;
  // False: all are taken.
  bool TryTake(EventLoop& loop);
  // By a thread of `loop`, which looks for its own tasks itself. One that another loop has waited for is granted to it:
  // the threads of this one would be quicker, time and again.
  void Release(const EventLoop& loop);
  // The loop has no use any more for those that were granted to it.
  void GiveBackGranted(EventLoop& loop);

  // Before any is taken. The loop must outlive those.
  void AddLoop(EventLoop& loop) { loops_.push_back(&loop); }

 private:
  bool GrantToOther(const EventLoop& loop);

  const int most_;
  std::atomic<int> taken_{0};  // or granted
  std::vector<EventLoop*> loops_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_HANDLER_SLOTS_H_

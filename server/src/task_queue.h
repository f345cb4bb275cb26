#ifndef UDSRPC_SERVER_TASK_QUEUE_H_
#define UDSRPC_SERVER_TASK_QUEUE_H_

#include <cstddef>
#include <memory>

#include "server/src/turn_queue.h"

namespace udsrpc {

class MethodPace;

// Something that a thread of an event loop runs once: a handler, or what it is to go on with.
class LoopTask : public TurnTaker::Waiting {
 public:
  virtual ~LoopTask() = default;
  // Owns itself by `self`. Where it cannot run yet, sees to it that `self` is handed to EventLoop::Resume when it can.
  virtual void Run(std::unique_ptr<LoopTask> self) = 0;
  // It will have to wait: lets go of what it shares with others, such as the packet that it came in.
  virtual void Park() {}
  // Whether it goes on with a call that a handler has begun to serve, and for which other handlers may wait. It does
  // not block, and runs beside as many handlers as may.
  virtual bool GoesOn() const { return false; }
  // Of the method whose handler it is, which outlives it; null: it is none, or has none.
  virtual MethodPace* pace() { return nullptr; }
};

// Tasks that wait for their turn. Not thread-safe.
class TaskQueue {
 public:
  // See TurnQueue.
  explicit TaskQueue(size_t line) : turns_(line) {}
  ~TaskQueue() { Clear(); }
  TaskQueue(const TaskQueue&) = delete;
  TaskQueue& operator=(const TaskQueue&) = delete;

  bool empty() const { return turns_.empty(); }
  void Push(std::unique_ptr<LoopTask> task) { turns_.Push(*task.release()); }
  // Not where it is empty.
  std::unique_ptr<LoopTask> Pop() { return Own(turns_.Pop()); }
  void Clear() {
    while (!empty()) Own(turns_.PopAny());
  }

 private:
  static std::unique_ptr<LoopTask> Own(TurnTaker::Waiting& task) {
    return std::unique_ptr<LoopTask>(static_cast<LoopTask*>(&task));
  }

  TurnQueue turns_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_TASK_QUEUE_H_

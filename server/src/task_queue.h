#ifndef UDSRPC_SERVER_TASK_QUEUE_H_
#define UDSRPC_SERVER_TASK_QUEUE_H_

#include <array>
#include <cstddef>
#include <memory>

namespace udsrpc {

class MethodPace;
class TaskOwner;

// Something that a thread of an event loop runs once: a handler, or what it is to go on with.
class LoopTask {
 public:
  virtual ~LoopTask() = default;
  // Owns itself by `self`. Where it cannot run yet, sees to it that `self` is handed to EventLoop::Resume when it can.
  virtual void Run(std::unique_ptr<LoopTask> self) = 0;
  // It will have to wait: lets go of what it shares with others, such as the packet that it came in.
  virtual void Park() {}
  // Whether it goes on with a call that a handler has begun to serve, and for which other handlers may wait. It does
  // not block, and runs beside as many handlers as may.
  virtual bool GoesOn() const { return false; }
  // On whose behalf it runs, which lives as long as the task; null: nobody's.
  virtual TaskOwner* owner() { return nullptr; }
  // Of the method whose handler it is, which outlives it; null: it is none, or has none.
  virtual MethodPace* pace() { return nullptr; }

 private:
  friend class TaskQueue;
  std::unique_ptr<LoopTask> next_;  // of the same owner
};

// Whose tasks take turns with those of others: a connection. Guarded by the loop's mutex.
class TaskOwner {
 protected:
  TaskOwner() = default;
  ~TaskOwner() = default;

 private:
  friend class TaskQueue;
  struct Line {
    std::unique_ptr<LoopTask> first;
    LoopTask* last = nullptr;
    TaskOwner* next = nullptr;  // whose turn it is afterwards
  };
  // A queue takes one of them.
  static constexpr size_t kLines = 2;
  std::array<Line, kLines> lines_;
};

// Tasks that wait: those of one owner in the order in which they came, the owners in turns, so that one with many holds
// nobody up. No memory of its own, and constant time. Not thread-safe.
class TaskQueue {
 public:
  // `line`: which of the owners' lines it uses, alone.
  explicit TaskQueue(size_t line) : line_(line) {}
  ~TaskQueue() { Clear(); }
  TaskQueue(const TaskQueue&) = delete;
  TaskQueue& operator=(const TaskQueue&) = delete;

  bool empty() const { return first_ == nullptr; }
  void Push(std::unique_ptr<LoopTask> task);
  // The one that is next; these two not when empty().
  LoopTask& Front() const { return *LineOf(*first_).first; }
  std::unique_ptr<LoopTask> Pop();
  void Clear();

 private:
  class Nobody final : public TaskOwner {};

  TaskOwner::Line& LineOf(TaskOwner& owner) const { return owner.lines_[line_]; }
  void Append(TaskOwner& owner);

  const size_t line_;
  TaskOwner* first_ = nullptr;
  TaskOwner* last_ = nullptr;
  Nobody nobody_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_TASK_QUEUE_H_

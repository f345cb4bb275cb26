#include "server/src/task_queue.h"

#include <utility>

namespace udsrpc {

void TaskQueue::Push(std::unique_ptr<LoopTask> task) {
  TaskOwner* owner = task->owner();
  if (owner == nullptr) owner = &nobody_;
  TaskOwner::Line& line = LineOf(*owner);
  LoopTask* const last = std::exchange(line.last, task.get());
  if (line.first == nullptr) {
    line.first = std::move(task);
    Append(*owner);
  } else {
    last->next_ = std::move(task);
  }
}

std::unique_ptr<LoopTask> TaskQueue::Pop() {
  TaskOwner& owner = *first_;
  TaskOwner::Line& line = LineOf(owner);
  first_ = std::exchange(line.next, nullptr);
  if (first_ == nullptr) last_ = nullptr;
  std::unique_ptr<LoopTask> task = std::move(line.first);
  line.first = std::move(task->next_);
  if (line.first != nullptr) Append(owner);
  return task;
}

void TaskQueue::Clear() {
  while (!empty()) Pop();
}

void TaskQueue::Append(TaskOwner& owner) {
  if (last_ == nullptr) {
    first_ = &owner;
  } else {
    LineOf(*last_).next = &owner;
  }
  last_ = &owner;
}

}  // namespace udsrpc

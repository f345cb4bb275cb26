#include "server/src/task_queue.h"

#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace udsrpc {
namespace {

using Owner = TurnTaker;

class Named final : public LoopTask {
 public:
  Named(char name, TurnTaker* owner, std::string& ran) : name_(name), owner_(owner), ran_(ran) {}
  ~Named() override { --alive; }
  void Run(std::unique_ptr<LoopTask> /*self*/) override { ran_ += name_; }
  TurnTaker* owner() override { return owner_; }

  static int alive;

 private:
  const char name_;
  TurnTaker* const owner_;
  std::string& ran_;
};
int Named::alive = 0;

class TaskQueueTest : public ::testing::Test {
 protected:
  ~TaskQueueTest() override {
    queue_.Clear();
    EXPECT_EQ(Named::alive, 0);
  }

  void Push(const std::string& names, TurnTaker* owner) {
    for (const char name : names) {
      ++Named::alive;
      queue_.Push(std::make_unique<Named>(name, owner, ran_));
    }
  }
  void Run() {
    std::unique_ptr<LoopTask> task = queue_.Pop();
    LoopTask& running = *task;
    running.Run(std::move(task));
  }
  void RunAll() {
    while (!queue_.empty()) Run();
  }

  std::string ran_;
  Owner first_;
  Owner second_;
  Owner third_;
  TaskQueue queue_{0};
};

TEST_F(TaskQueueTest, RunsTheTasksOfOneOwnerInTheirOrder) {
  Push("abc", &first_);
  Run();
  Push("de", &first_);
  RunAll();
  EXPECT_EQ(ran_, "abcde");
}

TEST_F(TaskQueueTest, OwnersTakeTurnsHoweverManyTasksOneHas) {
  Push("aaaaa", &first_);
  Push("bb", &second_);
  Push("c", &third_);
  RunAll();
  EXPECT_EQ(ran_, "abcabaaa");
}

TEST_F(TaskQueueTest, OneThatComesBackWaitsForItsTurn) {
  Push("a", &first_);
  Push("bb", &second_);
  Run();
  Push("a", &first_);
  RunAll();
  EXPECT_EQ(ran_, "abab");
}

TEST_F(TaskQueueTest, TasksOfNobodyTakeTurnsTogether) {
  Push("xyz", nullptr);
  Push("aa", &first_);
  RunAll();
  EXPECT_EQ(ran_, "xayaz");
}

TEST_F(TaskQueueTest, QueuesOfSeveralLinesShareOwners) {
  TaskQueue other(1);
  Push("ab", &first_);
  ++Named::alive;
  other.Push(std::make_unique<Named>('o', &first_, ran_));
  RunAll();
  EXPECT_FALSE(other.empty());
  other.Clear();
  EXPECT_TRUE(other.empty());
  EXPECT_EQ(ran_, "ab");
}

// Which takes its place in the queue along.
class Owning final : public LoopTask {
 public:
  explicit Owning(std::shared_ptr<Owner> owner) : owner_(std::move(owner)) {}
  void Run(std::unique_ptr<LoopTask> /*self*/) override {}
  TurnTaker* owner() override { return owner_.get(); }

 private:
  const std::shared_ptr<Owner> owner_;
};

TEST_F(TaskQueueTest, ATaskMayBeTheLastThatKeepsItsOwner) {
  for (int i = 0; i < 3; ++i) {
    auto owner = std::make_shared<Owner>();
    queue_.Push(std::make_unique<Owning>(owner));
    queue_.Push(std::make_unique<Owning>(owner));
  }
  Run();
  Run();
  queue_.Clear();
  EXPECT_TRUE(queue_.empty());
}

TEST_F(TaskQueueTest, ClearingManyNeedsNoStack) {
  for (int i = 0; i < 200000; ++i) Push("a", &first_);
  queue_.Clear();
  EXPECT_TRUE(queue_.empty());
}

}  // namespace
}  // namespace udsrpc

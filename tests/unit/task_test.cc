#include "udsrpc/task.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "gtest/gtest.h"
#include "tests/support/event.h"
#include "tests/unit/small_tasks.h"
#include "udsrpc/spawn.h"

namespace udsrpc {
namespace {

// Suspends a coroutine until Open, by whatever thread.
class Gate {
 public:
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> coroutine) {
    coroutine_ = coroutine;
    suspended_.Happen();
  }
  void await_resume() const {}

  void Open() {
    EXPECT_TRUE(suspended_.Await());
    std::exchange(coroutine_, nullptr).resume();
  }

 private:
  std::coroutine_handle<> coroutine_;
  testing::Event suspended_;
};

Task<std::unique_ptr<int>> GiveOwned(int value) { co_return std::make_unique<int>(value); }
Task<int> Fail(const std::string& what) {
  throw std::runtime_error(what);
  co_return 0;
}
Task<int> Add(Task<int> a, Task<int> b) { co_return co_await std::move(a) + co_await std::move(b); }

TEST(TaskTest, GivesWhatItReturns) {
  EXPECT_EQ(SyncWait(Give(7)), 7);
  EXPECT_EQ(*SyncWait(GiveOwned(8)), 8);
  EXPECT_EQ(SyncWait(Add(Give(1), Add(Give(2), Give(3)))), 6);
  SyncWait(Nothing());
}

TEST(TaskTest, RethrowsWhatLeavesIt) {
  EXPECT_THROW(SyncWait(Fail("no")), std::runtime_error);
  EXPECT_THROW(SyncWait(Add(Give(1), Fail("no"))), std::runtime_error);
}

TEST(TaskTest, DoesNothingBeforeItIsAwaited) {
  bool ran = false;
  const auto run = [&ran]() -> Task<> {
    ran = true;
    co_return;
  };
  Task<> task = run();
  EXPECT_FALSE(ran);
  EXPECT_TRUE(static_cast<bool>(task));
  SyncWait(std::move(task));
  EXPECT_TRUE(ran);
}

TEST(TaskTest, MayBeNone) {
  Task<int> none;
  EXPECT_FALSE(static_cast<bool>(none));
  none = Give(1);
  const Task<int> moved = std::move(none);
  EXPECT_TRUE(static_cast<bool>(moved));
}

Task<int> SumOf(int tasks) {
  int sum = 0;
  for (int i = 0; i < tasks; ++i) sum += co_await Give(1);
  co_return sum;
}

TEST(TaskTest, LoopsOverTasksThatNeverWaitWithoutGrowingTheStack) { EXPECT_EQ(SyncWait(SumOf(1000000)), 1000000); }

Task<int> SumAfter(Gate& gate, int tasks) {
  co_await gate;
  co_return co_await SumOf(tasks);
}

TEST(TaskTest, GoesOnByTheThreadThatResumesIt) {
  for (int i = 0; i < 1000; ++i) {
    Gate gate;
    std::thread opener([&gate] { gate.Open(); });
    EXPECT_EQ(SyncWait(Add(SumAfter(gate, 10), Give(1))), 11);
    opener.join();
  }
}

// Counts its lives.
class Counted {
 public:
  explicit Counted(int& lives) : lives_(lives) { ++lives_; }
  ~Counted() { --lives_; }
  Counted(const Counted&) = delete;

 private:
  int& lives_;
};

Task<> Hold(Gate& gate, int& lives) {
  const Counted counted(lives);
  co_await gate;
}
Task<> HoldTwice(Gate& gate, int& lives) {
  const Counted counted(lives);
  co_await Hold(gate, lives);
}

// Begins a task and keeps it, so that it can be destroyed while it waits.
class Holder {
 public:
  class promise_type : public internal::PromiseBase {
   public:
    Holder get_return_object() { return Holder(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  static Holder Of(Task<> task) { co_await std::move(task); }
  ~Holder() { coroutine_.destroy(); }

 private:
  explicit Holder(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine) {}
  const std::coroutine_handle<promise_type> coroutine_;
};

TEST(TaskTest, IsDestroyedWithAllThatItAwaits) {
  Gate gate;
  int lives = 0;
  {
    const Holder holder = Holder::Of(HoldTwice(gate, lives));
    EXPECT_EQ(lives, 2);
  }
  EXPECT_EQ(lives, 0);
}

Task<Cancellation*> Inner() { co_return co_await CurrentCancellation(); }
Task<Cancellation*> Outer() { co_return co_await Inner(); }

TEST(TaskTest, InheritsCancellation) {
  EXPECT_EQ(SyncWait(Outer()), nullptr);
  Cancellation cancellation;
  Cancellation* seen = nullptr;
  Spawn(
      Outer(), [&seen](Cancellation* inherited) { seen = inherited; }, &cancellation);
  EXPECT_EQ(seen, &cancellation);
}

TEST(SpawnTest, TellsWhenTheTaskHasEnded) {
  Gate gate;
  int sum = 0;
  Spawn(SumAfter(gate, 3), [&sum](int result) { sum = result; });
  EXPECT_EQ(sum, 0);
  gate.Open();
  EXPECT_EQ(sum, 3);
  bool done = false;
  Spawn(Nothing(), [&done] { done = true; });
  EXPECT_TRUE(done);
}

TEST(SpawnTest, AnExceptionThatNobodyAwaitsEndsTheProgram) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(Spawn(Fail("no"), [](int) {}), "");
}

}  // namespace
}  // namespace udsrpc

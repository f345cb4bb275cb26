#include "udsrpc/when.h"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/event.h"
#include "tests/unit/small_tasks.h"
#include "udsrpc/spawn.h"
#include "udsrpc/task.h"

namespace udsrpc {
namespace {

// Suspends a coroutine until Open, by whatever thread, or until it is cancelled; whichever comes first.
class CancellableGate {
 public:
  bool await_ready() const noexcept { return false; }
  template <typename Promise>
  void await_suspend(std::coroutine_handle<Promise> coroutine) {
    coroutine_ = coroutine;
    cancellation_ = coroutine.promise().cancellation();
    if (cancellation_ != nullptr) subscription_ = cancellation_->Subscribe([this] { Resume(/*cancelled=*/true); });
    suspended_.Happen();
  }
  // Whether it was opened.
  bool await_resume() {
    if (cancellation_ != nullptr) cancellation_->Unsubscribe(subscription_);
    return !cancelled_;
  }

  void Open() {
    EXPECT_TRUE(suspended_.Await());
    Resume(/*cancelled=*/false);
  }

 private:
  void Resume(bool cancelled) {
    if (resumed_.exchange(true)) return;
    cancelled_ = cancelled;
    coroutine_.resume();
  }

  std::coroutine_handle<> coroutine_;
  Cancellation* cancellation_ = nullptr;
  Cancellation::Subscription subscription_ = 0;
  std::atomic<bool> resumed_{false};
  bool cancelled_ = false;
  testing::Event suspended_;
};

Task<std::string> GiveText(std::string text) { co_return text; }
Task<int> Fail(const char* what) {
  throw std::runtime_error(what);
  co_return 0;
}
// The value, or minus it where it was cancelled.
Task<int> GiveAt(CancellableGate& gate, int value) {
  const bool opened = co_await gate;
  co_return opened ? value : -value;
}

std::vector<Task<int>> AtGates(std::vector<CancellableGate>& gates) {
  std::vector<Task<int>> tasks;
  for (size_t i = 0; i < gates.size(); ++i) tasks.push_back(GiveAt(gates[i], static_cast<int>(i) + 1));
  return tasks;
}

TEST(WhenAllTest, GivesWhatAllGave) {
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 4; ++i) tasks.push_back(Give(i));
  EXPECT_EQ(SyncWait(WhenAll(std::move(tasks))), (std::vector<int>{0, 1, 2, 3}));
  EXPECT_TRUE(SyncWait(WhenAll(std::vector<Task<int>>())).empty());
  const auto [number, text, nothing] = SyncWait(WhenAll(Give(1), GiveText("two"), Nothing()));
  EXPECT_EQ(number, 1);
  EXPECT_EQ(text, "two");
  EXPECT_EQ(nothing, std::monostate());
  std::vector<Task<>> of_nothing;
  of_nothing.push_back(Nothing());
  SyncWait(WhenAll(std::move(of_nothing)));
}

TEST(WhenAllTest, WaitsForAllThoughOneFails) {
  std::vector<CancellableGate> gates(1);
  bool ended = false;
  const auto run = [&]() -> Task<> {
    try {
      co_await WhenAll(Fail("no"), GiveAt(gates[0], 1));
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "no");
      ended = true;
    }
  };
  Spawn(run());
  EXPECT_FALSE(ended);
  gates[0].Open();
  EXPECT_TRUE(ended);
}

TEST(WhenAllTest, TasksEndOnManyThreadsAtOnce) {
  for (int round = 0; round < 200; ++round) {
    std::vector<CancellableGate> gates(4);
    std::vector<std::thread> openers;
    for (CancellableGate& gate : gates) openers.emplace_back([&gate] { gate.Open(); });
    EXPECT_EQ(SyncWait(WhenAll(AtGates(gates))), (std::vector<int>{1, 2, 3, 4}));
    for (std::thread& opener : openers) opener.join();
  }
}

TEST(WhenAllTest, HandsCancellationDown) {
  std::vector<CancellableGate> gates(3);
  Cancellation cancellation;
  std::vector<int> given;
  Spawn(
      WhenAll(AtGates(gates)), [&given](std::vector<int> values) { given = std::move(values); }, &cancellation);
  cancellation.Cancel();
  EXPECT_EQ(given, (std::vector<int>{-1, -2, -3}));
}

TEST(WhenAnyTest, GivesTheFirstAndCancelsTheRest) {
  std::vector<CancellableGate> gates(3);
  std::optional<Finished<int>> first;
  Spawn(WhenAny(AtGates(gates)), [&](Finished<int> result) { first = result; });
  EXPECT_FALSE(first);
  gates[1].Open();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->index, 1U);
  EXPECT_EQ(first->value, 2);
}

TEST(WhenSomeTest, GivesAsManyAsAskedForInTheirOrder) {
  std::vector<CancellableGate> gates(3);
  std::vector<Finished<int>> finished;
  Spawn(WhenSome(AtGates(gates), 2), [&](std::vector<Finished<int>> result) { finished = std::move(result); });
  gates[2].Open();
  EXPECT_TRUE(finished.empty());
  gates[0].Open();
  ASSERT_EQ(finished.size(), 2U);
  EXPECT_EQ(finished[0].index, 2U);
  EXPECT_EQ(finished[1].index, 0U);
}

TEST(WhenSomeTest, OfTasksThatNeverWait) {
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 3; ++i) tasks.push_back(Give(i));
  const std::vector<Finished<int>> finished = SyncWait(WhenSome(std::move(tasks), 5));
  ASSERT_EQ(finished.size(), 3U);
  EXPECT_EQ(finished[2].value, 2);
}

TEST(WhenAnyTest, IsCancelledFromOutside) {
  std::vector<CancellableGate> gates(2);
  Cancellation cancellation;
  std::optional<Finished<int>> first;
  Spawn(
      WhenAny(AtGates(gates)), [&](Finished<int> result) { first = result; }, &cancellation);
  cancellation.Cancel();
  ASSERT_TRUE(first);
  EXPECT_LT(first->value, 0);
}

Task<> WaitAt(Task<int> gate) { co_await std::move(gate); }

TEST(WhenAnyTest, OfTasksThatGiveNothing) {
  std::vector<CancellableGate> gates(2);
  std::vector<Task<>> tasks;
  for (Task<int>& task : AtGates(gates)) tasks.push_back(WaitAt(std::move(task)));
  std::optional<size_t> first;
  Spawn(WhenAny(std::move(tasks)), [&](size_t index) { first = index; });
  EXPECT_FALSE(first);
  gates[1].Open();
  EXPECT_EQ(first, 1U);
}

}  // namespace
}  // namespace udsrpc

#include "common/src/stats/call_counters.h"

#include <atomic>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace udsrpc {
namespace {

TEST(CallCountersTest, CountsCallsByStatusTheirSizesAndTheirTime) {
  CallCounters counters;
  internal::CallSizes sizes;
  sizes.OnReceived(100);
  sizes.OnSent(7);
  sizes.OnSent(8);
  for (int i = 0; i < 3; ++i) counters.OnStart();
  counters.OnEnd(absl::StatusCode::kOk, 1'000'000, sizes);
  counters.OnEnd(absl::StatusCode::kNotFound, 3'000'000, internal::CallSizes());
  const CallCounters::Totals totals = counters.Read();
  EXPECT_EQ(totals.started, 3u);
  EXPECT_EQ(totals.ended, 2u);
  EXPECT_EQ(totals.ended_by_code[0], 1u);
  EXPECT_EQ(totals.ended_by_code[static_cast<size_t>(absl::StatusCode::kNotFound)], 1u);
  EXPECT_EQ(totals.received_messages, 1u);
  EXPECT_EQ(totals.received_bytes, 100u);
  EXPECT_EQ(totals.sent_messages, 2u);
  EXPECT_EQ(totals.sent_bytes, 15u);
  EXPECT_EQ(totals.latency.count(), 2u);
  EXPECT_EQ(totals.latency.sum(), absl::Milliseconds(4));
  EXPECT_EQ(totals.latency.max(), absl::Milliseconds(3));
  EXPECT_NEAR(absl::ToDoubleMilliseconds(totals.latency.Quantile(0.5)), 1, 0.04);
}

TEST(CallCountersTest, ACodeThatIsNoneIsUnknown) {
  CallCounters counters;
  counters.OnStart();
  counters.OnEnd(static_cast<absl::StatusCode>(99), 5, internal::CallSizes());
  EXPECT_EQ(counters.Read().ended_by_code[static_cast<size_t>(absl::StatusCode::kUnknown)], 1u);
}

// Calls that are in flight while the few become many are counted once each.
TEST(CallCountersTest, TheFewThatWereKeptAreAmongTheMany) {
  for (size_t under_way = 0; under_way <= CallCounters::kFew; ++under_way) {
    CallCounters counters;
    internal::CallSizes sizes;
    sizes.OnSent(10);
    uint64_t started = 0;
    const auto starts = [&](size_t count) {
      for (size_t i = 0; i < count; ++i, ++started) counters.OnStart();
    };
    const auto ends = [&](size_t count) {
      for (size_t i = 0; i < count; ++i) counters.OnEnd(absl::StatusCode::kAborted, 1'000'000, sizes);
    };
    starts(CallCounters::kFew);
    ends(CallCounters::kFew - under_way);
    EXPECT_EQ(counters.Read().ended, CallCounters::kFew - under_way);
    EXPECT_EQ(counters.Read().started, CallCounters::kFew);
    starts(1);  // one too many
    EXPECT_EQ(counters.Read().started, started);
    EXPECT_EQ(counters.Read().ended, CallCounters::kFew - under_way);
    ends(under_way + 1);
    const CallCounters::Totals totals = counters.Read();
    EXPECT_EQ(totals.started, started);
    EXPECT_EQ(totals.ended_by_code[static_cast<size_t>(absl::StatusCode::kAborted)], started);
    EXPECT_EQ(totals.sent_messages, started);
    EXPECT_EQ(totals.sent_bytes, 10 * started);
    EXPECT_EQ(totals.latency.count(), started);
    EXPECT_EQ(totals.latency.sum(), absl::Milliseconds(started));
  }
}

// More threads than have a part of their own, while somebody reads.
TEST(CallCountersTest, ManyThreadsLoseNothing) {
  constexpr int kThreads = 2 * ThreadSlot::kCount;
  constexpr uint64_t kCalls = 2000;
  CallCounters counters;
  std::atomic<int> ready{0};
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done.load()) {
      const CallCounters::Totals totals = counters.Read();
      ASSERT_LE(totals.ended, totals.started);
      std::this_thread::yield();
    }
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      ThreadSlot::Mine();
      ready.fetch_add(1);
      while (ready.load() < kThreads) std::this_thread::yield();  // all are there at a time
      for (uint64_t call = 0; call < kCalls; ++call) {
        counters.OnStart();
        counters.OnEnd(absl::StatusCode::kOk, call * 1000, internal::CallSizes());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  done.store(true);
  reader.join();
  const CallCounters::Totals totals = counters.Read();
  EXPECT_EQ(totals.started, kThreads * kCalls);
  EXPECT_EQ(totals.ended, kThreads * kCalls);
  EXPECT_EQ(totals.latency.count(), kThreads * kCalls);
  EXPECT_EQ(totals.latency.max(), absl::Microseconds(kCalls - 1));
}

TEST(ThreadSlotTest, AThreadsNumberIsItsOwnWhileItLives) {
  const int mine = ThreadSlot::Mine();
  EXPECT_EQ(ThreadSlot::Mine(), mine);
  int other = -1;
  std::thread([&] { other = ThreadSlot::Mine(); }).join();
  EXPECT_NE(other, mine);
  int next = -1;
  std::thread([&] { next = ThreadSlot::Mine(); }).join();
  EXPECT_EQ(next, other);  // it was given back
}

}  // namespace
}  // namespace udsrpc

#include "client/src/method_counters.h"

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/src/wire/limits.h"
#include "gtest/gtest.h"
#include "udsrpc/internal/call_sizes.h"

namespace udsrpc {
namespace {

void CountOne(CallCounters& counters) {
  counters.OnStart();
  counters.OnEnd(absl::StatusCode::kOk, 1000, internal::CallSizes());
}

TEST(MethodCounters, AreFoundByTheNameWhereverThatIs) {
  MethodCounters counters;
  const std::string a = "/p.S/A";
  const std::string again = a;
  const std::string longer = "/p.S/AA";
  CallCounters& of_a = counters.Of(a.c_str()).counters;
  EXPECT_EQ(&of_a, &counters.Of(a.c_str()).counters);
  EXPECT_EQ(&of_a, &counters.Of(again.c_str()).counters);
  EXPECT_NE(&of_a, &counters.Of(longer.c_str()).counters);
}

// By a list, as long as there are few, and by tables.
class MethodCountersTest : public ::testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(Beside, MethodCountersTest, ::testing::Values(0, 10));

TEST_P(MethodCountersTest, AreThoseOfTheNameThatIsThereNow) {
  MethodCounters counters;
  for (size_t i = 0; i < GetParam(); ++i) counters.Of(absl::StrCat("/p.S/", i).c_str());
  char path[] = "/p.S/A";
  CallCounters& of_a = counters.Of(path).counters;
  path[5] = 'B';
  const MethodCounters::Found of_b = counters.Of(path);
  EXPECT_NE(&of_a, &of_b.counters);
  path[5] = 'A';
  EXPECT_EQ(&of_a, &counters.Of(path).counters);
  EXPECT_EQ(of_b.path, "/p.S/B");
}

TEST(MethodCounters, AreReadByNameWithTheOthersLast) {
  MethodCounters counters;
  for (const char* path : {"/p.S/B", "/p.S/A", "/p.S/B", ""}) CountOne(counters.Of(path).counters);
  const std::vector<MethodStats> stats = counters.Read();
  ASSERT_EQ(stats.size(), 3u);
  EXPECT_EQ(stats[0].method, "/p.S/A");
  EXPECT_EQ(stats[0].started, 1u);
  EXPECT_EQ(stats[1].method, "/p.S/B");
  EXPECT_EQ(stats[1].started, 2u);
  EXPECT_EQ(stats[2].method, "");
  EXPECT_EQ(stats[2].started, 1u);
}

TEST(MethodCounters, WhatHasNoPlaceIsCountedTogether) {
  MethodCounters counters;
  CallCounters& others = counters.Of("").counters;
  const auto is_other = [&](const std::string& path) { return &counters.Of(path.c_str()).counters == &others; };
  EXPECT_TRUE(is_other(std::string(wire::kMaxMethodPathBytes + 1, 'x')));
  EXPECT_FALSE(is_other(std::string(wire::kMaxMethodPathBytes, 'x')));
  for (size_t i = 1; i < MethodCounters::kMaxMethods; ++i) EXPECT_FALSE(is_other(absl::StrCat("/p.S/", i)));
  EXPECT_TRUE(is_other("/p.S/OneMore"));
  EXPECT_TRUE(is_other("/p.S/AndAnother"));
  EXPECT_FALSE(is_other("/p.S/1"));
  EXPECT_EQ(counters.Of("/p.S/OneMore").path, "/p.S/OneMore");
  EXPECT_EQ(counters.Read().size(), MethodCounters::kMaxMethods + 1);
}

TEST(MethodCounters, ThreadsThatCallTheSameMethodsFirstLoseNothing) {
  constexpr int kThreads = 4;
  constexpr size_t kNames = MethodCounters::kMaxMethods + 50;
  MethodCounters counters;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&counters] {
      for (size_t name = 0; name < kNames; ++name) CountOne(counters.Of(absl::StrCat("/p.S/", name).c_str()).counters);
    });
  }
  for (std::thread& thread : threads) thread.join();
  uint64_t started = 0;
  for (const MethodStats& stats : counters.Read()) {
    // Who came to a name while there was no place for it did so for ever, so the threads agree.
    EXPECT_EQ(stats.started % kThreads, 0u) << stats.method;
    started += stats.started;
  }
  EXPECT_EQ(started, kThreads * kNames);
}

}  // namespace
}  // namespace udsrpc

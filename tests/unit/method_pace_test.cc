#include "server/src/method_pace.h"

#include "gtest/gtest.h"

namespace udsrpc {
namespace {

using Dispatch = MethodOptions::Dispatch;

TEST(MethodPace, BeginsInline) { EXPECT_FALSE(MethodPace({}).goes_to_pool()); }

TEST(MethodPace, OneSlowHandlerIsAnAccident) {
  MethodPace pace({});
  pace.OnSlow();
  EXPECT_FALSE(pace.goes_to_pool());
  pace.OnSlow();
  EXPECT_TRUE(pace.goes_to_pool());
}

TEST(MethodPace, ComesBackOnceItsHandlersHaveBeenQuick) {
  MethodPace pace({});
  for (int i = 0; i < 100; ++i) pace.OnSlow();
  int quick = 0;
  for (; pace.goes_to_pool(); ++quick) {
    ASSERT_LT(quick, 1000);
    pace.OnQuick();
  }
  EXPECT_GT(quick, 50) << "a few quick ones say little about a method that is slow";
}

TEST(MethodPace, WhatIsSlowNowAndThenStaysAndWhatIsSlowOftenGoes) {
  const auto share_in_pool = [](int one_in) {
    MethodPace pace({});
    int in_pool = 0;
    constexpr int kCalls = 10000;
    for (int i = 1; i <= kCalls; ++i) {
      in_pool += pace.goes_to_pool() ? 1 : 0;
      i % one_in == 0 ? pace.OnSlow() : pace.OnQuick();
    }
    return static_cast<double>(in_pool) / kCalls;
  };
  EXPECT_EQ(share_in_pool(100), 0);
  EXPECT_GT(share_in_pool(25), 0.9);
  EXPECT_GT(share_in_pool(1), 0.99);
}

TEST(MethodPace, OptionsAreStrongerThanWhatHasBeen) {
  MethodPace on_the_reader({.dispatch = Dispatch::kInline});
  MethodPace on_others({.dispatch = Dispatch::kPool});
  for (int i = 0; i < 10; ++i) on_the_reader.OnSlow();
  for (int i = 0; i < 1000; ++i) on_others.OnQuick();
  EXPECT_FALSE(on_the_reader.goes_to_pool());
  EXPECT_TRUE(on_others.goes_to_pool());
}

}  // namespace
}  // namespace udsrpc

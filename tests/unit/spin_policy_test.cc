#include "common/src/spin_policy.h"

#include <chrono>
#include <memory>
#include <vector>

#include "gtest/gtest.h"

namespace udsrpc::testing {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr absl::Duration kBudget = absl::Microseconds(50);
constexpr nanoseconds kQuick = microseconds(10);
constexpr nanoseconds kSlow = milliseconds(1);

class SpinPolicyTest : public ::testing::Test {
 protected:
  bool Spins() const { return policy_.BudgetAt(now_).count() > 0; }
  void Sleep(nanoseconds time) { policy_.OnSlept(now_ - time, now_); }
  void SpinInVainAndSleep(nanoseconds time) {
    policy_.OnSpinFailed();
    Sleep(absl::ToChronoNanoseconds(kBudget) + time);
  }
  void MakeSpin() {
    for (int i = 0; i < 2; ++i) Sleep(kQuick);
    ASSERT_TRUE(Spins());
  }

  SpinPolicy policy_{kBudget, /*cpus=*/2};
  SpinPolicy::Clock::time_point now_{std::chrono::hours(1)};
};

TEST_F(SpinPolicyTest, SleepsUntilWaitsAreQuick) {
  EXPECT_FALSE(Spins());
  Sleep(kQuick);
  EXPECT_FALSE(Spins());
  Sleep(kQuick);
  EXPECT_TRUE(Spins());
  EXPECT_EQ(policy_.BudgetAt(now_), microseconds(50));
}

TEST_F(SpinPolicyTest, NeverSpinsWithoutABudgetOrASecondCpu) {
  SpinPolicy without_budget(absl::ZeroDuration(), /*cpus=*/8);
  SpinPolicy with_one_cpu(kBudget, /*cpus=*/1);
  for (SpinPolicy* policy : {&without_budget, &with_one_cpu}) {
    for (int i = 0; i < 100; ++i) policy->OnSlept(now_ - nanoseconds(1), now_);
    policy->OnSpinSucceeded();
    EXPECT_EQ(policy->BudgetAt(now_).count(), 0);
  }
}

TEST_F(SpinPolicyTest, AnIdlePeerIsNotSpunFor) {
  MakeSpin();
  for (int i = 0; i < 100 && Spins(); ++i) {
    SpinInVainAndSleep(kSlow);
    ASSERT_LT(i, 5) << "it spins on in vain";
  }
  Sleep(kSlow);
  EXPECT_FALSE(Spins());
  MakeSpin();
}

TEST_F(SpinPolicyTest, APauseNowAndThenDoesNotStopIt) {
  MakeSpin();
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 10; ++i) policy_.OnSpinSucceeded();
    SpinInVainAndSleep(kSlow);
    EXPECT_TRUE(Spins());
  }
}

TEST_F(SpinPolicyTest, StopsWhereSleepsBringAtOnceWhatSpinningDoesNot) {
  MakeSpin();
  for (int i = 0; i < 10; ++i) policy_.OnSpinSucceeded();
  SpinInVainAndSleep(kQuick);
  EXPECT_TRUE(Spins()) << "once is none: the peer may have been held up";
  for (int i = 0; i < 2; ++i) SpinInVainAndSleep(kQuick);
  EXPECT_FALSE(Spins());
  for (int i = 0; i < 10; ++i) Sleep(kQuick);
  EXPECT_FALSE(Spins());
  now_ += milliseconds(10);
  EXPECT_TRUE(Spins());
}

TEST_F(SpinPolicyTest, TriesLessAndLessOftenOnABusyMachine) {
  MakeSpin();
  policy_.OnPreempted(now_);
  nanoseconds barred_before{0};
  for (int i = 0; i < 12; ++i) {
    policy_.OnPreempted(now_);
    const auto from = now_;
    while (!Spins()) now_ += milliseconds(1);
    EXPECT_GE(now_ - from, barred_before);
    EXPECT_LE(now_ - from, std::chrono::seconds(1));
    barred_before = now_ - from;
  }
  EXPECT_EQ(barred_before, std::chrono::seconds(1));
  // It is not busy any more, for long.
  now_ += std::chrono::seconds(10);
  for (int i = 0; i < 2; ++i) policy_.OnPreempted(now_);
  EXPECT_FALSE(Spins());
  now_ += milliseconds(1);
  EXPECT_TRUE(Spins());
}

TEST_F(SpinPolicyTest, AnInterruptionNowAndThenIsAnAccident) {
  MakeSpin();
  for (int i = 0; i < 20; ++i) {
    policy_.OnPreempted(now_);
    EXPECT_TRUE(Spins()) << i;
    now_ += milliseconds(50);
  }
}

TEST(TryPolicy, TriesLessWhereItIsInVainAndAgainWhereItIsNot) {
  TryPolicy policy;
  int tries = 0;
  for (int i = 0; i < 1000; ++i) {
    if (!policy.Worthwhile()) continue;
    ++tries;
    policy.OnTried(false);
  }
  EXPECT_GT(tries, 50);
  EXPECT_LT(tries, 100);
  while (!policy.Worthwhile()) continue;
  policy.OnTried(true);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(policy.Worthwhile());
    policy.OnTried(false);
  }
}

TEST(Spin, EndsWhenTheAttemptSucceeds) {
  SpinPolicy policy(absl::Seconds(60), /*cpus=*/2);
  const SpinPolicy::Clock::time_point now = SpinPolicy::Clock::now();
  for (int i = 0; i < 2; ++i) policy.OnSlept(now - kQuick, now);
  int attempts = 0;
  // Unless the thread is kept from running, which ends it, too.
  Spin(policy, now, std::chrono::hours(1), [&] { return ++attempts == 3; });
  EXPECT_GE(attempts, 1);
  EXPECT_LE(attempts, 3);
}

TEST(Spin, EndsWithItsLimit) {
  SpinPolicy policy(absl::Seconds(60), /*cpus=*/2);
  const SpinPolicy::Clock::time_point now = SpinPolicy::Clock::now();
  for (int i = 0; i < 2; ++i) policy.OnSlept(now - kQuick, now);
  EXPECT_FALSE(Spin(policy, now, milliseconds(1), [] { return false; }));
  EXPECT_LT(SpinPolicy::Clock::now() - now, std::chrono::seconds(30));
}

TEST(Spin, OnlySomeOfAProcessSpinAtATime) {
  // As many as it would take with all of this machine's CPUs.
  std::vector<std::unique_ptr<SpinRight>> rights;
  for (int i = 0; i < SpinPolicy::AvailableCpus(); ++i) rights.push_back(std::make_unique<SpinRight>());
  EXPECT_TRUE(*rights.front());
  EXPECT_EQ(static_cast<bool>(*rights.back()), SpinPolicy::AvailableCpus() == 1);
  rights.clear();
  EXPECT_TRUE(SpinRight());
}

}  // namespace
}  // namespace udsrpc::testing

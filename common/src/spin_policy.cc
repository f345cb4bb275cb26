#include "common/src/spin_policy.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <utility>

namespace udsrpc {
namespace {

using std::chrono::nanoseconds;

// So many quick waits make it spin, and so many more can be set against slow ones.
constexpr int kQuickEnough = 2;
constexpr int kQuickest = 16;
// A spin in vain outweighs so many.
constexpr int kFailureWeight = 4;

constexpr nanoseconds kFirstBar = std::chrono::milliseconds(1);
constexpr nanoseconds kLongestBar = std::chrono::seconds(1);
// Somebody who wants the CPU all the time interrupts a thread that spins every few milliseconds. What happens less
// often than this is an accident.
constexpr nanoseconds kRare = std::chrono::milliseconds(30);

// Beyond this a budget is as good as any, and what is added to it does not overflow.
constexpr absl::Duration kLongestBudget = absl::Seconds(1);

std::atomic<int> spinning{0};

int MostSpinning() {
  static const int most = std::max(1, SpinPolicy::AvailableCpus() / 2);
  return most;
}

}  // namespace

int SpinPolicy::AvailableCpus() {
  cpu_set_t cpus;
  // Where there are more than fit into the set, there are enough.
  return sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : CPU_SETSIZE;
}

SpinPolicy::SpinPolicy(absl::Duration budget, int cpus)
    : budget_(absl::ToChronoNanoseconds(cpus > 1 ? std::clamp(budget, absl::ZeroDuration(), kLongestBudget)
                                                 : absl::ZeroDuration())) {}

SpinPolicy::SpinPolicy(absl::Duration budget) : SpinPolicy(budget, AvailableCpus()) {}

nanoseconds SpinPolicy::BudgetAt(Clock::time_point now) const {
  return quick_ >= kQuickEnough && now >= barred_until_ ? budget_ : nanoseconds(0);
}

void SpinPolicy::OnSpinSucceeded() { quick_ = std::min(quick_ + 1, kQuickest); }

void SpinPolicy::OnSpinFailed() {
  quick_ = std::max(quick_ - kFailureWeight, 0);
  just_failed_ = true;
}

void SpinPolicy::OnPreempted(Clock::time_point now) {
  const Clock::time_point since = std::max(std::exchange(preempted_, now), barred_until_);
  if (now - since < kRare) Bar(now);
}

void SpinPolicy::OnSlept(Clock::time_point start, Clock::time_point now) {
  const bool after_failure = std::exchange(just_failed_, false);
  const nanoseconds time = now - start - (after_failure ? budget_ : nanoseconds(0));
  if (time > budget_) {
    if (!after_failure) quick_ = 0;
  } else if (after_failure) {
    if (quick_ < kQuickEnough) Bar(now);
  } else {
    quick_ = std::min(quick_ + 1, kQuickEnough);
  }
}

void SpinPolicy::Bar(Clock::time_point now) {
  // It went well for a while since: that was another reason.
  const bool again = now < barred_until_ + std::max(4 * bar_, kRare);
  bar_ = again ? std::clamp(2 * bar_, kFirstBar, kLongestBar) : kFirstBar;
  barred_until_ = now + bar_;
}

SpinRight::SpinRight() : granted_(spinning.fetch_add(1, std::memory_order_relaxed) < MostSpinning()) {}

SpinRight::~SpinRight() { spinning.fetch_sub(1, std::memory_order_relaxed); }

}  // namespace udsrpc

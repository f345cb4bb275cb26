#ifndef UDSRPC_COMMON_SPIN_POLICY_H_
#define UDSRPC_COMMON_SPIN_POLICY_H_

#include <chrono>

#include "absl/time/time.h"

namespace udsrpc {

// Whether a thread that waits for its peer should try again and again for a while (spin) before it sleeps, learned from
// how its waits have gone. To wake a sleeping thread costs 5 to 50 us, several times what a call does; to spin costs a
// CPU, which is a loss where the peer, or anybody else, wants that one.
//
//   - It spins where waits have lately been shorter than the budget, and stops once they are not.
//   - It stops for a time when the thread was kept from running while it spun, twice within 30 ms: the machine is busy,
//     and spinning uses up what the scheduler grants the thread.
//   - It stops for a time when sleeps brought at once what spinning had not: the peer got this thread's CPU.
//   - With a single CPU it never spins.
// A time begins with 1 ms and doubles, up to a second, while the reason comes back. (Where it began with 10 ms, and
// with the first interruption, the accidents of a virtual machine, a few a second, kept it from spinning half of the
// time.)
//
// Pure, but for the number of CPUs: times are parameters. For one thread at a time.
class SpinPolicy {
 public:
  using Clock = std::chrono::steady_clock;

  // `budget`: how long to spin for one event at most; zero or less: never. `cpus`: that the process may run on.
  SpinPolicy(absl::Duration budget, int cpus);
  explicit SpinPolicy(absl::Duration budget);

  // How long to spin, when one begins to wait now; zero: not at all.
  std::chrono::nanoseconds BudgetAt(Clock::time_point now) const;

  // What became of a wait: it ended while the thread spun ...
  void OnSpinSucceeded();
  // ... or not, and a sleep will follow;
  void OnSpinFailed();
  // the thread was kept from running while it spun, however that ended;
  void OnPreempted(Clock::time_point now);
  // it slept, and then there was something, after a wait that began at `start`, with spinning where it spun.
  void OnSlept(Clock::time_point start, Clock::time_point now);

  // CPUs that the process may run on.
  static int AvailableCpus();

 private:
  void Bar(Clock::time_point now);

  const std::chrono::nanoseconds budget_;
  int quick_ = 0;             // waits that were within the budget, less those that were not
  bool just_failed_ = false;  // the sleep that ends next comes after spinning
  Clock::time_point preempted_{};
  Clock::time_point barred_until_{};
  std::chrono::nanoseconds bar_{0};  // the latest time for which it was barred
};

// Whether to try once before sleeping, learned from how that has gone: what was asked for a moment ago is not there
// yet, as a rule, and a vain try costs a system call. One in some is made all the same. For one thread at a time.
class TryPolicy {
 public:
  bool Worthwhile() { return in_vain_ < kOftenEnough || ++skipped_ % kTriesAgain == 0; }
  void OnTried(bool success) { in_vain_ = success ? 0 : in_vain_ + 1; }

 private:
  static constexpr unsigned kOftenEnough = 4;
  static constexpr unsigned kTriesAgain = 16;

  unsigned in_vain_ = 0;  // in succession
  unsigned skipped_ = 0;
};

// The right to spin. A process takes half of its CPUs for that at most, so that its other threads, and the peers, have
// the rest.
class SpinRight {
 public:
  SpinRight();
  ~SpinRight();
  SpinRight(const SpinRight&) = delete;
  SpinRight& operator=(const SpinRight&) = delete;

  explicit operator bool() const { return granted_; }

 private:
  const bool granted_;
};

// A gap between two attempts, which take a system call each, that only somebody else on the CPU can make.
inline constexpr std::chrono::nanoseconds kSpinGap = std::chrono::microseconds(100);

// Calls `attempt` as often as the policy allows, from `start`, which is now, for `limit` at most, until it gives true.
// Whether it did.
template <typename Attempt>
bool Spin(SpinPolicy& policy, SpinPolicy::Clock::time_point start, std::chrono::nanoseconds limit, Attempt attempt) {
  const std::chrono::nanoseconds budget = policy.BudgetAt(start);
  if (budget.count() == 0 || limit.count() <= 0) return false;
  const SpinRight right;
  if (!right) return false;
  const SpinPolicy::Clock::time_point end = start + (budget < limit ? budget : limit);
  for (SpinPolicy::Clock::time_point last = start;;) {
    const bool done = attempt();
    const SpinPolicy::Clock::time_point now = SpinPolicy::Clock::now();
    const bool preempted = now - last > kSpinGap;
    if (preempted) {
      policy.OnPreempted(now);
    } else if (done) {
      policy.OnSpinSucceeded();
    } else if (now >= end) {
      policy.OnSpinFailed();
    }
    if (done || preempted || now >= end) return done;
    last = now;
  }
}

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_SPIN_POLICY_H_

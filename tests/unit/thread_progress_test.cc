#include "server/src/thread_progress.h"

#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/support/event.h"

namespace udsrpc {
namespace {

// A thread that runs `body` when it has said how it may be looked at.
template <typename Body>
class Observed {
 public:
  explicit Observed(Body body)
      : thread_([this, body] {
          progress_ = ThreadProgress::OfThisThread();
          begun_ = true;
          body();
        }) {
    while (!begun_) std::this_thread::yield();
    progress_.Look();
  }
  ~Observed() { thread_.join(); }

  // Whether it is kept from running, within a look of 2 ms, before the time is over.
  bool IsEverKeptFromRunning(absl::Duration patience) {
    const absl::Time give_up = absl::Now() + patience;
    while (absl::Now() < give_up) {
      absl::SleepFor(absl::Milliseconds(2));
      progress_.Look();
      if (progress_.IsKeptFromRunning()) return true;
    }
    return false;
  }

 private:
  std::atomic<bool> begun_{false};
  ThreadProgress progress_;
  std::thread thread_;
};

void UseOnlyCpu(int cpu) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(cpu, &cpus);
  sched_setaffinity(0, sizeof cpus, &cpus);
}

TEST(ThreadProgressTest, OneThatWaitsIsNotKeptFromRunning) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  {
    Observed waits([&ends] {
      char byte;
      while (read(ends[0], &byte, 1) < 0) continue;
    });
    EXPECT_FALSE(waits.IsEverKeptFromRunning(absl::Milliseconds(20)));
    close(ends[1]);
  }
  close(ends[0]);
}

TEST(ThreadProgressTest, OneThatGetsNoCpuIs) {
  std::atomic<bool> stop{false};
  cpu_set_t allowed;
  ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
  int cpu = 0;
  while (!CPU_ISSET(cpu, &allowed)) ++cpu;
  const auto spin = [&stop, cpu](int policy) {
    UseOnlyCpu(cpu);
    const sched_param parameters{.sched_priority = 0};
    sched_setscheduler(0, policy, &parameters);
    while (!stop) continue;
  };
  std::thread other([&spin] { spin(SCHED_OTHER); });
  {
    Observed starves([&spin] { spin(SCHED_IDLE); });
    EXPECT_TRUE(starves.IsEverKeptFromRunning(testing::kPatience));
    stop = true;
  }
  other.join();
}

TEST(ThreadProgressTest, OfNoThreadNothingIsKnown) {
  ThreadProgress none;
  none.Look();
  EXPECT_FALSE(none.IsKeptFromRunning());
}

}  // namespace
}  // namespace udsrpc

#include "tests/hostile/siege.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/hostile/rest.h"
#include "tests/support/event.h"

namespace udsrpc::testing {
namespace {

// How much slower a victim's own code is, of which attackers have little.
#ifdef UDSRPC_SANITIZED
constexpr double kSlowness = 4;
#else
constexpr double kSlowness = 1;
#endif

constexpr double kBytesAMiB = 1 << 20;

// Calls of the bystander for each attack, so that the median says something.
constexpr int kCallsOfBystander = 24;

// Attackers and victims may have a thousand connections each.
constexpr rlim_t kOpenFiles = 16384;

void RaiseOpenFiles() {
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, kOpenFiles));
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::vector<std::string> VictimCommand(const std::vector<std::string>& flags, const std::string& target) {
  RaiseOpenFiles();
  std::vector<std::string> command{UDSRPC_VICTIM};
  command.insert(command.end(), flags.begin(), flags.end());
  command.push_back(target);
  return command;
}

bool Eventually(const std::function<bool()>& condition) {
  const absl::Time give_up = absl::Now() + kPatience;
  while (!condition()) {
    if (absl::Now() > give_up) return false;
    absl::SleepFor(absl::Milliseconds(2));
  }
  return true;
}

}  // namespace

Siege::Siege(const std::vector<std::string>& flags)
    : target_(absl::StrCat("unix:", directory_.File("s"))),
      victim_(VictimCommand(flags, target_)),
      serves_(chmod(directory_.path().c_str(), 0755) == 0 && victim_.ReadLine() == "ready"),
      usage_(victim_.pid()),
      bystander_(target_) {
  EXPECT_TRUE(serves_);
  EXPECT_TRUE(AwaitRestOf(usage_));
}

Siege::~Siege() {
  victim_.CloseInput();
  EXPECT_EQ(victim_.ReadLine(), "done");
  EXPECT_EQ(victim_.Wait(), 0);
}

Siege::Stats Siege::Ask() {
  Stats stats;
  long long started = -1;
  const std::string line = victim_.WriteLine("") ? victim_.ReadLine().value_or("") : "";
  if (std::sscanf(line.c_str(), "connections %d in_flight %d started %lld", &stats.connections, &stats.in_flight,
                  &started) != 3) {
    ADD_FAILURE() << "the victim does not answer: " << line;
  }
  stats.started = started;
  return stats;
}

bool Siege::AwaitStats(int connections, int in_flight) {
  return Eventually([&] {
    const Stats stats = Ask();
    return stats.connections == connections && stats.in_flight == in_flight;
  });
}

bool Siege::AwaitOpenFiles(int count) {
  return Eventually([&] { return usage_.open_files() == count; });
}

void Siege::Lay(const Attack& attack, int attackers) {
  const Bounds& bounds = attackers == 1 ? attack.one : attack.all;
  const size_t first = LayOnce(attack, attackers, bounds);
  if (attackers == 1) return;
  const size_t second = LayOnce(attack, attackers, bounds);
#ifndef UDSRPC_SANITIZED
  if (bounds.memory != kUnbounded) {
    EXPECT_LE(second, first + std::max<size_t>(bounds.memory / 4 * 3, 4 << 20)) << "what it keeps grows";
  }
#else
  EXPECT_GT(first + second, 0U);
#endif
}

size_t Siege::LayOnce(const Attack& attack, int attackers, const Bounds& bounds) {
  const Stats stats_before = Ask();
  const int files_before = usage_.open_files();
  const absl::Duration cpu_before = usage_.cpu();
  usage_.ResetPeak();

  bystander_.Start();
  Forces forces = StrikeTogether(target_, attack.attacker, attackers, attack.duration, attack.strike);
  bystander_.Stop(kCallsOfBystander);
  const bool rests = AwaitRestOf(usage_);
  const absl::Duration cpu = usage_.cpu() - cpu_before;
  const size_t peak = usage_.PeakGrowth();
  const Bystander::Seen seen = bystander_.seen();
  const size_t held = forces.held.size();

  std::printf(
      "[  SIEGE   ] %s by %d, %zu held: %.1f MiB at most; CPU %.2f s for %.2f s; bystander's %d calls %.2f ms, "
      "at most %.1f ms\n",
      attack.name.c_str(), attackers, held, static_cast<double>(peak) / kBytesAMiB, absl::ToDoubleSeconds(cpu),
      absl::ToDoubleSeconds(forces.cpu), seen.calls, absl::ToDoubleMilliseconds(seen.median),
      absl::ToDoubleMilliseconds(seen.longest));
  EXPECT_TRUE(rests) << "it does not come to rest while the attackers hold their connections";
#ifndef UDSRPC_SANITIZED
  EXPECT_LE(peak, bounds.memory);
#endif
  EXPECT_LE(cpu, kSlowness * bounds.cpu * forces.cpu + kCpuOfCalm);
  EXPECT_LE(seen.median, bounds.median);

  forces.held.clear();
  EXPECT_TRUE(AwaitStats(stats_before.connections, stats_before.in_flight))
      << "connections and calls are left: " << Ask().connections << " and " << Ask().in_flight << ", before "
      << stats_before.connections << " and " << stats_before.in_flight;
  EXPECT_TRUE(AwaitOpenFiles(files_before))
      << "descriptors are left: " << usage_.open_files() << " of " << files_before;
  EXPECT_TRUE(AwaitRestOf(usage_)) << "it does not come to rest when the attackers have left";
  return usage_.memory();
}

}  // namespace udsrpc::testing

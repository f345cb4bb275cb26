// Every call that this project's code makes to the kernel fails once, in every way in which it can fail, in the middle
// of everything that a client and a server do together. Whatever that does to the call under way: it ends, once, within
// a bound, and with a status that says what it is about; nobody else notices; the next call on the same channel is
// served; and nothing is left behind.
//
// To have all of it takes minutes, so each scenario has so much time, in which each fault comes to many of the calls
// that it can come to, chosen evenly. UDSRPC_FAULTS=all: every fault in every call.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/faults/fault_plan.h"
#include "tests/faults/resources.h"
#include "tests/faults/scenario.h"
#include "tests/integration/combinations.h"

namespace udsrpc::testing {
namespace {

constexpr absl::Duration kTimeOfAScenario = absl::Seconds(2);
// A run that takes so long never ends, and what it was is all that is left to say.
constexpr unsigned kHungSeconds = 120;
// Behind these a defect is known well enough.
constexpr int kMostFailures = 3;

bool WantsAll() {
  const char* const wish = std::getenv("UDSRPC_FAULTS");
  return wish != nullptr && std::strcmp(wish, "all") == 0;
}

// One fault in one call.
struct Planned {
  Fault fault;
  int nth;
};

// Those that can come up where so many calls are made, each fault's spread over them, and the faults in turns.
std::vector<Planned> Plan(const std::array<int, kSystemCalls>& counts) {
  std::vector<Planned> plan;
  std::vector<std::pair<uint32_t, size_t>> order;
  for (const Fault& fault : AllFaults()) {
    for (int n = 1; n <= counts[static_cast<size_t>(fault.call)]; ++n) {
      // By the golden section, of which every prefix is spread evenly.
      order.emplace_back(static_cast<uint32_t>(n - 1) * 2654435769U, plan.size());
      plan.push_back(Planned{.fault = fault, .nth = n});
    }
  }
  std::sort(order.begin(), order.end());
  std::vector<Planned> ordered;
  for (const auto& [key, i] : order) ordered.push_back(plan[i]);
  return ordered;
}

// Says what hangs, and ends the program.
char hanging[256];
void OnHang(int) {
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, hanging, std::strlen(hanging));
  std::abort();
}

// What has been injected in this process, for the report.
class Tally : public ::testing::Environment {
 public:
  // The gRPC library frees what it has of its own behind its last user, at its leisure: it has one all the time.
  void SetUp() override {
    absl::StatusOr<std::shared_ptr<Channel>> channel = CreateChannel("unix:/nobody", {.transport = Transport::kGrpc});
    ASSERT_TRUE(channel.ok()) << channel.status();
    grpc_ = *std::move(channel);
    EXPECT_FALSE(TryEcho(TestStub(grpc_)).ok());
  }
  void Add(SystemCall call) { ++counts_[static_cast<size_t>(call)]; }
  void TearDown() override {
    int all = 0;
    std::string each;
    for (size_t i = 0; i < kSystemCalls; ++i) {
      all += counts_[i];
      if (counts_[i] > 0) absl::StrAppend(&each, " ", NameOf(static_cast<SystemCall>(i)), " ", counts_[i], ",");
    }
    grpc_.reset();
    if (all > 0) std::printf("%d faults injected:%s\n", all, each.c_str());
  }

 private:
  std::array<int, kSystemCalls> counts_{};
  std::shared_ptr<Channel> grpc_;
};
Tally& tally = *static_cast<Tally*>(::testing::AddGlobalTestEnvironment(new Tally));

class FaultInjectionTest : public ::testing::TestWithParam<Scenario> {
 protected:
  FaultInjectionTest() { signal(SIGALRM, OnHang); }
  ~FaultInjectionTest() override { alarm(0); }

  // Counts the system calls of a run without a fault.
  void CountCalls(World& world) {
    for (int i = 0; i < 3; ++i) {
      TestStub stub = world.Connect();
      FaultPlan::Get().Count();
      RunScenario(world, stub, std::nullopt);
      FaultPlan::Get().Disarm();
      for (size_t call = 0; call < kSystemCalls; ++call) {
        counts_[call] = std::max(counts_[call], FaultPlan::Get().counted(static_cast<SystemCall>(call)));
      }
      ExpectAllIsWell(world, stub);
    }
  }

  void RunScenario(World& world, const TestStub& stub, std::optional<Fault> fault) {
    ScenarioRun run(world, stub, std::move(fault));
    GetParam().run(run);
  }

  // What has to be so once the fault is over.
  void ExpectAllIsWell(World& world, const TestStub& stub, const std::optional<Fault>& fault = std::nullopt) {
    world.ExpectNoCallsInFlight();
    // A fault in the last word of the scenario may end the connection only now, and a call that has begun with it.
    if (!fault.has_value() || fault->passes() || !absl::StrContains(TryEcho(stub).message(), "connection was lost")) {
      ExpectEcho(stub, "the next one");
    }
    ExpectEcho(stub, "and the one behind it");
    world.ExpectOthersAreServed();
    world.ExpectNoCallsInFlight();
    // What could not be removed is replaced by the next server.
    world.ExpectOwnFilesOnly(/*forgiven=*/fault.has_value() && MayLeaveFiles(fault->call));
  }

  static bool MayLeaveFiles(SystemCall call) {
    return call == SystemCall::kUnlinkat || call == SystemCall::kFstatat || call == SystemCall::kFlock;
  }

  void Inject(World& world, const Planned& planned) {
    const std::string what = absl::StrCat(GetParam().name, ": call ", planned.nth, ", ", planned.fault.ToString());
    SCOPED_TRACE(what);
    std::snprintf(hanging, sizeof(hanging), "hangs: %s\n", what.c_str());
    alarm(kHungSeconds);
    const TestStub stub = world.Connect();
    {
      const ArmedFault armed(planned.fault, planned.nth);
      RunScenario(world, stub, planned.fault);
    }
    if (FaultPlan::Get().injected() > 0) {
      ++injected_;
      tally.Add(planned.fault.call);
    }
    ExpectAllIsWell(world, stub, planned.fault);
    EXPECT_EQ(world.interruptions_logged(), 0) << "it is to be tried again";
  }

  std::array<int, kSystemCalls> counts_{};
  int injected_ = 0;
};

TEST_P(FaultInjectionTest, CallsEndOnceNobodyElseNoticesAndTheNextOneIsServed) {
  { World warm_up(GetParam().world); }
  const int threads = OwnThreads();
  const Descriptors before = OpenDescriptors();
  size_t planned = 0;
  size_t tried = 0;
  absl::Duration longest;
  std::string longest_of;
  {
    World world(GetParam().world);
    if (const absl::Duration idle = GetParam().world.server.max_connection_idle; idle < absl::Seconds(1)) {
      absl::SleepFor(10 * idle);  // others lose their connections as well
    }
    const Descriptors open = OpenDescriptors();
    CountCalls(world);
    ASSERT_FALSE(HasFailure()) << "without a fault";
    const std::vector<Planned> plan = Plan(counts_);
    planned = plan.size();
    int failures = 0;
    const absl::Time end = absl::Now() + kTimeOfAScenario;
    for (const Planned& next : plan) {
      if (!WantsAll() && absl::Now() > end) break;
      ++tried;
      const absl::Time start = absl::Now();
      const int failed = ::testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count();
      Inject(world, next);
      EXPECT_EQ(LeftOpen(open), "") << next.fault.ToString();
      if (const absl::Duration took = absl::Now() - start; took > longest) {
        longest = took;
        longest_of = absl::StrCat("call ", next.nth, ", ", next.fault.ToString());
      }
      if (::testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count() == failed) continue;
      if (++failures == kMostFailures) break;
    }
  }
  EXPECT_LE(OwnThreadsBecome(threads), threads);
  EXPECT_EQ(LeftOpen(before), "");
  EXPECT_GT(injected_, 0);
  std::printf("%s: %d faults injected, of %zu that there are; %zu tried; the longest took %s (%s)\n",
              GetParam().name.c_str(), injected_, planned, tried, absl::FormatDuration(longest).c_str(),
              longest_of.c_str());
}

std::vector<Scenario> AllScenarios() {
  std::vector<Scenario> all;
  for (auto scenarios : {CallScenarios(), AsyncScenarios(), ConnectionScenarios(), ServerScenarios()}) {
    for (Scenario& scenario : scenarios) all.push_back(std::move(scenario));
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, FaultInjectionTest, ::testing::ValuesIn(AllScenarios()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace udsrpc::testing

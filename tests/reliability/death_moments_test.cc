// Deaths at moments that are chosen: of servers that have stopped reading, of each side of a takeover, and of servers
// that are about to claim their socket files.

#include <signal.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "tests/integration/combinations.h"
#include "tests/reliability/call_log.h"
#include "tests/reliability/deaths.h"
#include "tests/reliability/mixed_load.h"

namespace udsrpc::testing {
namespace {

using ::testing::HasSubstr;

#ifdef UDSRPC_SANITIZED
constexpr int kRoundsOfEach = 5;
#else
constexpr int kRoundsOfEach = 25;
#endif

class DeathMomentTest : public ::testing::TestWithParam<Transport> {
 protected:
  DeathMomentTest() : random_(Seed()) {}
  void TearDown() override { EXPECT_TRUE(dir_.IsEmpty()) << "a file is left in " << dir_.path(); }

  LoadOptions Load(uint64_t seed) const {
    return {.target = target_, .transport = GetParam(), .seed = seed, .endless = true};
  }
  std::unique_ptr<ChildProcess> Make() const {
    return MakeServerProcess({"--takeover=" + dir_.File("takeover"), "--drain=2s", target_});
  }
  // Kills it, and waits until all callers have found out.
  static void Kill(ChildProcess& server, Outages& outages, const MixedLoad& load, const CallLog& log) {
    outages.Begin();
    server.Kill(SIGKILL);
    EXPECT_EQ(server.Wait(), -SIGKILL);
    if (outages.AwaitWaiting(load.callers(), kSlowHang) && log.open() == 0) return;
    std::fprintf(stderr, "%d calls have not ended\n", log.open());
    std::abort();
  }
  static void ExpectExpected(const CallLog& log) {
    for (const std::string& outcome : log.first_unexpected()) ADD_FAILURE() << outcome;
    EXPECT_LT(log.after_death().max(), kSlowHang);
    std::printf("ended after the death of their server: %s\n", log.after_death().Summary().c_str());
  }
  // That files which were left are claimed, and removed in the end.
  void ExpectThatAnotherServes() {
    const auto server = Make();
    ASSERT_NO_FATAL_FAILURE(Serve(*server));
    ExpectEcho(TestStub(*CreateChannel(target_, {.transport = GetParam()})), "served");
    ShutDown(*server);
  }

  TempDir dir_;
  const std::string target_ = "unix:" + dir_.File("s");
  std::mt19937_64 random_;
};
INSTANTIATE_TEST_SUITE_P(All, DeathMomentTest, OneByOne(), TransportTestName);

// What clients have sent is in their sockets: hellos and calls behind those in the backlog.
TEST_P(DeathMomentTest, OfAServerThatHasNotAccepted) {
  for (int round = 0; round < 3; ++round) {
    auto server = Make();
    ASSERT_NO_FATAL_FAILURE(Serve(*server));
    server->Kill(SIGSTOP);
    Outages outages;
    CallLog log(outages);
    MixedLoad load(Load(random_()), outages, log);
    EXPECT_TRUE(Within(kPatience, [&] { return log.open() >= load.callers(); }));
    Kill(*server, outages, load, log);
    EXPECT_GE(log.interrupted(), 5);
    load.Stop();
    ExpectExpected(log);
  }
  ExpectThatAnotherServes();
}

// So that it is the middle of long messages, behind as many as the sockets take.
TEST_P(DeathMomentTest, OfAServerThatHasStoppedReading) {
  auto server = Make();
  ASSERT_NO_FATAL_FAILURE(Serve(*server));
  Outages outages;
  CallLog log(outages);
  MixedLoad load(Load(random_()), outages, log);
  for (int round = 0; round < kRoundsOfEach; ++round) {
    const int64_t before = log.ok();
    EXPECT_TRUE(Within(kPatience, [&] { return log.ok() > before + 20; }));
    server->Kill(SIGSTOP);
    // Those that nothing hurries are stuck by then, or soon; and if not, it is one of the other tests.
    const int64_t calls = log.calls();
    Within(absl::Milliseconds(20), [&] { return log.calls() > calls + 1000; });
    Kill(*server, outages, load, log);
    server = Make();
    ASSERT_NO_FATAL_FAILURE(Serve(*server));
    EXPECT_TRUE(AnsweredWithin(TestStub(load.channels()[0]), 2 * kSlowHang));
    EXPECT_TRUE(AnsweredWithin(TestStub(load.channels()[1]), 2 * kSlowHang));
    outages.End();
  }
  Kill(*server, outages, load, log);
  load.Stop();
  EXPECT_GE(log.interrupted(), 5 * kRoundsOfEach);
  ExpectExpected(log);
  ExpectThatAnotherServes();
}

// Either the running server goes on, or the successor had taken over before it died.
TEST_P(DeathMomentTest, OfASuccessorThatTakesOver) {
  auto server = Make();
  ASSERT_NO_FATAL_FAILURE(Serve(*server));
  Outages outages;
  CallLog log(outages);
  MixedLoad load({.target = target_, .transport = GetParam(), .seed = random_()}, outages, log);
  int taken_over = 0;
  for (int round = 0; round < kRoundsOfEach; ++round) {
    const auto successor = Make();
    // Calls that it has begun to serve end with it.
    ASSERT_NO_FATAL_FAILURE(AwaitLoaded(*successor));
    outages.Begin();
    ASSERT_TRUE(successor->WriteLine("serve"));
    if (round > 0) absl::SleepFor(RandomMoment(random_));
    successor->Kill(SIGKILL);
    EXPECT_EQ(successor->Wait(), -SIGKILL);
    const TestStub stub(*CreateChannel(target_, {.transport = GetParam()}));
    bool answered = false;
    std::optional<std::string> word;
    for (const absl::Time give_up = absl::Now() + absl::Minutes(1); !answered && !word && absl::Now() < give_up;) {
      answered = TryEcho(stub).ok();
      if (!answered) word = server->ReadLine(absl::Milliseconds(20));
    }
    if (!answered) {
      EXPECT_EQ(word, "taken over");
      EXPECT_EQ(server->ReadLine(absl::Minutes(1)), "done");
      EXPECT_EQ(server->Wait(absl::Minutes(1)), 0);
      ++taken_over;
      server = Make();
      ASSERT_NO_FATAL_FAILURE(Serve(*server));
    }
    for (const auto& channel : load.channels()) EXPECT_TRUE(AnsweredWithin(TestStub(channel), 2 * kSlowHang));
    outages.End();
    const int64_t before = log.ok();
    EXPECT_TRUE(Within(kSlowHang, [&] { return log.ok() > before + 20; }));
  }
  std::printf("%d successors killed, %d of which had taken over\n", kRoundsOfEach, taken_over);
  EXPECT_LT(taken_over, kRoundsOfEach);
  load.Stop();
  ExpectExpected(log);
  ShutDown(*server);
}

// The successor serves, or says that the running server went, and then nothing is in the way of the next.
TEST_P(DeathMomentTest, OfAServerThatIsTakenOverFrom) {
  auto server = Make();
  ASSERT_NO_FATAL_FAILURE(Serve(*server));
  Outages outages;
  CallLog log(outages);
  MixedLoad load(Load(random_()), outages, log);
  int served = 0;
  for (int round = 0; round < kRoundsOfEach; ++round) {
    auto successor = Make();
    ASSERT_NO_FATAL_FAILURE(AwaitLoaded(*successor));
    outages.Begin();
    ASSERT_TRUE(successor->WriteLine("serve"));
    absl::SleepFor(RandomMoment(random_));
    server->Kill(SIGKILL);
    EXPECT_EQ(server->Wait(), -SIGKILL);
    const std::string word = successor->ReadLine(absl::Minutes(1)).value_or("nothing");
    if (word == "ready") {
      ++served;
    } else {
      EXPECT_THAT(word, HasSubstr("UNAVAILABLE"));
      EXPECT_EQ(successor->Wait(), 1);
      successor = Make();
      ASSERT_NO_FATAL_FAILURE(Serve(*successor));
    }
    for (const auto& channel : load.channels()) EXPECT_TRUE(AnsweredWithin(TestStub(channel), 2 * kSlowHang));
    server = std::move(successor);
    outages.End();
    const int64_t before = log.ok();
    EXPECT_TRUE(Within(kSlowHang, [&] { return log.ok() > before + 20; }));
  }
  std::printf("%d servers killed at a takeover, %d of whose successors served\n", kRoundsOfEach, served);
  Kill(*server, outages, load, log);
  load.Stop();
  ExpectExpected(log);
  ExpectThatAnotherServes();
}

// With the lock of their directory in its hands, or a file bound and not listened on, or under a name of its own.
TEST_P(DeathMomentTest, OfAServerThatClaimsItsFiles) {
  for (int round = 0; round < 2 * kRoundsOfEach; ++round) {
    const auto server = Make();
    ASSERT_NO_FATAL_FAILURE(AwaitLoaded(*server));
    ASSERT_TRUE(server->WriteLine("serve"));
    absl::SleepFor(RandomMoment(random_) / 2);
    if (round % 4 == 3) server->CloseInput();  // and so it removes them
    server->Kill(SIGKILL);
    EXPECT_EQ(server->Wait(), -SIGKILL);
  }
  ExpectThatAnotherServes();
}

}  // namespace
}  // namespace udsrpc::testing

// Servers and clients that are killed at random moments, under calls of all kinds: each call of those that live on ends
// once, with the status that it has to have, each handler of a client that is dead is cancelled, nothing is left of
// either, nobody else notices, and the next call is answered.
//
// UDSRPC_KILLS=1000 is how many processes are killed in all. UDSRPC_SEED=N, which is printed, has the same calls made
// and the same moments chosen.

#include <signal.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/combinations.h"
#include "tests/reliability/call_log.h"
#include "tests/reliability/deaths.h"
#include "tests/reliability/mixed_load.h"
#include "tests/reliability/mixed_service.h"
#include "tests/reliability/process_resources.h"
#include "tests/stress/call_tally.h"

namespace udsrpc::testing {
namespace {

#ifdef UDSRPC_SANITIZED
constexpr int kUsualKills = 80;
#else
constexpr int kUsualKills = 400;
#endif

class DeathTest : public ::testing::TestWithParam<Transport> {
 protected:
  DeathTest() : seed_(Seed()), random_(seed_) {}
  void TearDown() override { EXPECT_TRUE(dir_.IsEmpty()) << "a file is left in " << dir_.path(); }

  bool grpc() const { return GetParam() == Transport::kGrpc; }
  // Of one side over one transport, and after how many the survivor has what it needs for good.
  static int KillsOfEach() { return std::max(1, Kills(kUsualKills) / 4); }
  static int WarmUp() { return std::max(1, KillsOfEach() / 5); }

  void ExpectExpected(const CallLog& log) const {
    EXPECT_EQ(log.unexpected(), 0);
    for (const std::string& outcome : log.first_unexpected()) ADD_FAILURE() << outcome;
  }
  static void Print(const CallLog& log) {
    for (const auto& [key, count] : log.counts()) {
      std::printf("  %-28s %-18s %8ld\n", key.first.c_str(), key.second.c_str(), static_cast<long>(count));
    }
  }

  TempDir dir_;
  const std::string target_ = "unix:" + dir_.File("s");
  const uint64_t seed_;
  std::mt19937_64 random_;
};
INSTANTIATE_TEST_SUITE_P(All, DeathTest, OneByOne(), TransportTestName);

// What is left when nobody calls.
struct Resources {
  int64_t descriptors = OpenDescriptorCount();
  int64_t threads = ThreadCount();
  int64_t bytes = BytesInUse();
};

// gRPC keeps a few descriptors and threads of its own, and megabytes. What malloc's caches of twenty threads hold
// counts as in use: in four runs each, 1.5 MB less to 0.6 MB more, and with GLIBC_TUNABLES=glibc.malloc.tcache_count=0
// 0.03 to 0.15 MB more.
void ExpectNoMore(const Resources& now, const Resources& before, bool grpc) {
  EXPECT_LE(now.descriptors, before.descriptors + (grpc ? 10 : 0));
  EXPECT_LE(now.threads, before.threads + (grpc ? 16 : 4));
#ifndef UDSRPC_SANITIZED
  EXPECT_LT(now.bytes - before.bytes, grpc ? 8 << 20 : 2 << 20);
#endif
  std::printf("left: %ld descriptors (%ld before), %ld threads (%ld), %ld bytes more\n",
              static_cast<long>(now.descriptors), static_cast<long>(before.descriptors), static_cast<long>(now.threads),
              static_cast<long>(before.threads), static_cast<long>(now.bytes - before.bytes));
}

// A call on a channel that has lost its server: begun while there is none, and answered by the next one.
struct PatientCall {
  explicit PatientCall(const std::shared_ptr<Channel>& channel) {
    context.set_wait_for_ready(true);
    context.set_timeout(absl::Minutes(2));
    request.set_text("patient");
    TestStub(channel).Async().Echo(context, request, reply, [this](absl::Status result) {
      status = std::move(result);
      ended.Happen();
    });
  }
  void ExpectAnswer() {
    for (int i = 0; i < 6 && !ended.Await(); ++i) continue;
    ASSERT_EQ(ended.times(), 1);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(reply.text(), "patient");
  }

  ClientContext context;
  EchoRequest request;
  EchoReply reply;
  absl::Status status;
  Event ended;
};

TEST_P(DeathTest, OfServersEndsEveryCallOnceAndTheNextServerIsFound) {
  auto server = MakeServerProcess({target_});
  ASSERT_NO_FATAL_FAILURE(Serve(*server));
  Outages outages;
  CallLog log(outages);
  MixedLoad load({.target = target_, .transport = GetParam(), .seed = seed_, .endless = true}, outages, log);
  Durations first_answers;
  std::optional<Resources> warm;
  for (int kill = 0; kill < KillsOfEach(); ++kill) {
    auto next = MakeServerProcess({target_});
    // Half of them as the calls begin, the others when they are under way.
    const int64_t before = log.ok();
    if (kill % 2 == 0) {
      EXPECT_TRUE(Within(kSlowHang, [&] { return log.ok() >= before + 20; }));
    }
    absl::SleepFor(RandomMoment(random_));
    outages.Begin();
    server->Kill(SIGKILL);
    EXPECT_EQ(server->Wait(), -SIGKILL);
    if (!outages.AwaitWaiting(load.callers(), kSlowHang)) {
      std::fprintf(stderr, "After kill %d calls have not ended: %d. So far:\n", kill, log.open());
      Print(log);
      std::abort();  // with threads that would have to be joined
    }
    ASSERT_EQ(log.open(), 0);
    if (kill == WarmUp()) warm.emplace();
    if (kill == KillsOfEach() - 1 && warm) ExpectNoMore(Resources(), *warm, grpc());
    PatientCall patient(load.channels()[0]);
    ASSERT_NO_FATAL_FAILURE(Serve(*next));
    const absl::Time serves = absl::Now();
    // An impatient one over seqpacket goes through at once. gRPC may be waiting to connect again.
    const TestStub impatient(load.channels()[1]);
    if (!grpc()) ExpectEcho(impatient, "impatient");
    EXPECT_TRUE(AnsweredWithin(impatient, 2 * kSlowHang));
    first_answers.Add(absl::Now() - serves);
    patient.ExpectAnswer();
    server = std::move(next);
    outages.End();
  }
  outages.Begin();
  server->Kill(SIGKILL);
  EXPECT_EQ(server->Wait(), -SIGKILL);
  load.Stop();
  auto last = MakeServerProcess({target_});
  ASSERT_NO_FATAL_FAILURE(Serve(*last));
  ShutDown(*last);

  Durations after_death = log.after_death();
  std::printf("%s: %d servers killed under %ld calls, %ld of which that interrupted\n",
              std::string(TransportName(GetParam())).c_str(), KillsOfEach(), static_cast<long>(log.calls()),
              static_cast<long>(log.interrupted()));
  std::printf("ended after the death of their server: %s\n", after_death.Summary().c_str());
  std::printf("ended after their deadline: %s\n", log.after_deadline().Summary().c_str());
  std::printf("first answer once the next one served: %s\n", first_answers.Summary().c_str());
  Print(log);
  ExpectExpected(log);
  EXPECT_LT(after_death.max(), kSlowHang);
  EXPECT_LT(log.after_deadline().max(), kSlowHang);
  // Of the endless calls alone there are seven.
  EXPECT_GE(log.interrupted(), 5 * KillsOfEach());
  EXPECT_GT(log.ok(), KillsOfEach());
}

TEST_P(DeathTest, OfClientsCancelsTheirHandlersAndIsNoticedByNobodyElse) {
  MixedService service;
  CallTally tally;
  ServerBuilder builder(ServerOptions{.max_receive_fds = kFilesPerMessage, .interceptors = {tally.Factory()}});
  builder.AddEndpoint(target_, {.grpc = grpc(), .seqpacket = !grpc()}).RegisterService(&service);
  absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  ASSERT_TRUE(server.ok()) << server.status();
  // Those who are not to notice.
  Outages none;
  CallLog log(none);
  std::unique_ptr<MixedLoad> bystanders;
  const auto bring_bystanders = [&] {
    const LoadOptions options{
        .target = target_, .transport = GetParam(), .seed = random_(), .threads = 1, .callbacks = 1, .coroutines = 1};
    bystanders = std::make_unique<MixedLoad>(options, none, log);
  };
  const auto send_away = [&] {
    bystanders.reset();
    EXPECT_TRUE(Within(kSlowHang, [&] { return service.running == 0 && tally.begun == tally.ended; }))
        << service.running << " handlers, " << tally.begun - tally.ended << " calls";
  };
  bring_bystanders();
  const auto make_client = [&](int number) {
    return std::make_unique<ChildProcess>(std::vector<std::string>{
        UDSRPC_RELIABILITY_CLIENT, absl::StrCat("--seed=", seed_ + static_cast<uint64_t>(number)), "--endless",
        std::string(TransportName(GetParam())), "steady", target_});
  };
  auto client = make_client(0);
  std::optional<Resources> warm;
  Durations handlers_ended;
  int met = 0;
  for (int kill = 0; kill < KillsOfEach(); ++kill) {
    auto next = make_client(kill + 1);
    ASSERT_NO_FATAL_FAILURE(AwaitLoaded(*client));
    ASSERT_TRUE(client->WriteLine("go"));
    // Half of them from before they have connected, the others when calls have been answered.
    if (kill % 2 == 0) {
      ASSERT_TRUE(client->WriteLine("started"));
      ASSERT_EQ(client->ReadLine(absl::Minutes(1)), "started");
    }
    absl::SleepFor(RandomMoment(random_));
    met += service.RunningOf(client->pid());
    client->Kill(SIGKILL);
    const absl::Time killed = absl::Now();
    EXPECT_EQ(client->Wait(), -SIGKILL);
    // None runs for a moment before the last of what it had sent is read, too.
    ASSERT_TRUE(Within(kSlowHang, [&] { return service.RunningOf(client->pid()) == 0; }))
        << service.RunningOf(client->pid()) << " handlers of a dead client run, after kill " << kill;
    handlers_ended.Add(absl::Now() - killed);
    client = std::move(next);
    if (kill == WarmUp()) {
      send_away();
      warm.emplace();
      bring_bystanders();
    }
  }
  client.reset();
  send_away();
  if (warm) {
    // Those of gRPC's connections are kept for some seconds, and so are threads.
    Within(2 * kSlowHang, [&] { return OpenDescriptorCount() <= warm->descriptors && ThreadCount() <= warm->threads; });
    ExpectNoMore(Resources(), *warm, grpc());
  }
  const ServerStats stats = (*server)->Stats();
  for (const MethodStats& method : stats.methods) EXPECT_EQ(method.in_flight, 0u) << method.method;
  ExpectExpected(log);
  EXPECT_GT(log.ok(), KillsOfEach());
  EXPECT_EQ(service.cut_short, 0) << service.FirstCutShort();
  EXPECT_EQ(service.never_told, 0);
  EXPECT_GT(service.cancelled, KillsOfEach());
  std::printf("%s: %d clients killed in the midst of %d calls; all handlers of one had ended after its death: %s\n",
              std::string(TransportName(GetParam())).c_str(), KillsOfEach(), met, handlers_ended.Summary().c_str());
  std::printf("%ld calls begun in all, %ld handlers cancelled; calls of the others: %ld\n",
              static_cast<long>(tally.begun), static_cast<long>(service.cancelled), static_cast<long>(log.calls()));
  (*server)->Shutdown(absl::Now() + absl::Seconds(20));
  EXPECT_EQ(tally.begun, tally.ended);
}

}  // namespace
}  // namespace udsrpc::testing

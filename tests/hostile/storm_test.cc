// Storms of connections, by the server's own user, which no limit holds back.

#include <unistd.h>

#include <atomic>
#include <cstdio>

#include "gtest/gtest.h"
#include "tests/hostile/rest.h"
#include "tests/hostile/siege.h"
#include "tests/support/raw_client.h"

namespace udsrpc::testing {
namespace {

// All that one connection may cost that says nothing.
constexpr size_t kBytesOfSilence = 32 << 10;

TEST(ConnectionStorm, AThousandThatNeverSpeakAreHeldForAWhileAndThenClosed) {
  constexpr int kConnections = 1000;
  Siege siege({});
  ASSERT_TRUE(AwaitRestOf(siege.usage()));
  const Siege::Stats before = siege.Ask();
  const size_t memory_before = siege.usage().memory();
  siege.bystander().Start();
  Forces forces = StrikeTogether(siege.target(), Attacker::kOwnUser, kConnections, absl::Seconds(10),
                                 [](Strike& strike) { strike.Hold(strike.Connect(SocketKind::kSeqpacket)); });
  EXPECT_EQ(forces.held.size(), static_cast<size_t>(kConnections));
  siege.bystander().Stop(50);
  EXPECT_TRUE(siege.AwaitStats(before.connections + kConnections, 0) ||
              siege.Ask().connections < before.connections + kConnections);  // on a slow machine
  const size_t memory = siege.usage().memory();
  std::printf("[  SIEGE   ] 1,000 silent connections: %.1f KiB each\n",
              static_cast<double>(memory - memory_before) / kConnections / 1024);
#ifndef UDSRPC_SANITIZED
  EXPECT_LE(memory, memory_before + kConnections * kBytesOfSilence);
#endif
  // Nobody closes them but the server.
  EXPECT_TRUE(siege.AwaitStats(before.connections, 0)) << siege.Ask().connections;
  EXPECT_TRUE(AwaitRestOf(siege.usage()));
}

class ReconnectStorm : public ::testing::TestWithParam<SocketKind> {};
INSTANTIATE_TEST_SUITE_P(Over, ReconnectStorm, ::testing::Values(SocketKind::kSeqpacket, SocketKind::kStream),
                         [](const ::testing::TestParamInfo<SocketKind>& info) {
                           return info.param == SocketKind::kStream ? "Grpc" : "Seqpacket";
                         });

#ifdef UDSRPC_SANITIZED
constexpr int kConnections = 2000;
#else
constexpr int kConnections = 10000;
#endif

TEST_P(ReconnectStorm, OfThousandsLeavesNothingBehind) {
  Siege siege({});
  ASSERT_TRUE(AwaitRestOf(siege.usage()));
  const Siege::Stats before = siege.Ask();
  const int files_before = siege.usage().open_files();
  const size_t memory_before = siege.usage().memory();
  siege.bystander().Start();
  std::atomic<int> connected{0};
  StrikeTogether(siege.target(), Attacker::kOwnUser, 4, absl::Seconds(20), [&](Strike& strike) {
    for (int i = strike.index(); i < kConnections; i += 4) {
      const UniqueFd fd = strike.Connect(GetParam());
      if (!fd.valid()) continue;
      if (i % 2 == 0) strike.Send(fd.get(), RawClient::Hello());
      ++connected;
    }
  });
  siege.bystander().Stop(50);
  EXPECT_EQ(connected.load(), kConnections);
  EXPECT_TRUE(siege.AwaitStats(before.connections, 0)) << siege.Ask().connections;
  EXPECT_TRUE(siege.AwaitOpenFiles(files_before));
  EXPECT_TRUE(AwaitRestOf(siege.usage()));
  const size_t memory = siege.usage().memory();
  std::printf("[  SIEGE   ] %d connections: %.1f MiB kept; bystander's %d calls %.2f ms, at most %.1f ms\n",
              kConnections, (static_cast<double>(memory) - static_cast<double>(memory_before)) / (1 << 20),
              siege.bystander().seen().calls, absl::ToDoubleMilliseconds(siege.bystander().seen().median),
              absl::ToDoubleMilliseconds(siege.bystander().seen().longest));
#ifndef UDSRPC_SANITIZED
  EXPECT_LE(memory, memory_before + (24 << 20));
#endif
}

}  // namespace
}  // namespace udsrpc::testing

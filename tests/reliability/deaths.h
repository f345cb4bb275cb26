#ifndef UDSRPC_TESTS_RELIABILITY_DEATHS_H_
#define UDSRPC_TESTS_RELIABILITY_DEATHS_H_

#include <stdlib.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/support/child_process.h"

// What the tests of deaths have in common.

namespace udsrpc::testing {

// After which a call, or a handler, counts as one that never ends. A second is what is promised on a machine with time
// to spare; what was seen is printed.
inline constexpr absl::Duration kHang = absl::Seconds(10);
#ifdef UDSRPC_SANITIZED
inline constexpr absl::Duration kSlowHang = absl::Seconds(30);
#else
inline constexpr absl::Duration kSlowHang = kHang;
#endif

// How many processes to kill in all: UDSRPC_KILLS, or so many.
inline int Kills(int usual) {
  const char* text = getenv("UDSRPC_KILLS");
  int kills;
  return text != nullptr && absl::SimpleAtoi(text, &kills) ? kills : usual;
}

// UDSRPC_SEED, or another each time. Printed.
inline uint64_t Seed() {
  const char* text = getenv("UDSRPC_SEED");
  uint64_t seed;
  if (text == nullptr || !absl::SimpleAtoi(text, &seed)) seed = std::random_device()();
  std::printf("UDSRPC_SEED=%lu\n", static_cast<unsigned long>(seed));
  return seed;
}

// From nothing to some tens of milliseconds, half of them within the first three: a short call's life, and a long
// one's.
inline absl::Duration RandomMoment(std::mt19937_64& random) {
#ifdef UDSRPC_SANITIZED
  constexpr int kSlower = 4;
#else
  constexpr int kSlower = 1;
#endif
  const int most = std::bernoulli_distribution(0.5)(random) ? 3'000 : 25'000;
  return absl::Microseconds(kSlower * std::uniform_int_distribution<int>(0, most)(random));
}

// Waits until `condition` holds. False: it does not for `patience`.
template <typename Condition>
bool Within(absl::Duration patience, Condition condition) {
  const absl::Time give_up = absl::Now() + patience;
  while (!condition()) {
    if (absl::Now() > give_up) return condition();
    absl::SleepFor(absl::Microseconds(200));
  }
  return true;
}

// One that has been started and waits to be told to serve.
inline std::unique_ptr<ChildProcess> MakeServerProcess(const std::vector<std::string>& arguments) {
  std::vector<std::string> command{UDSRPC_RELIABILITY_SERVER};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return std::make_unique<ChildProcess>(command);
}

// So that what it is told next it does at once: it has been loaded.
inline void AwaitLoaded(ChildProcess& process) {
  ASSERT_TRUE(process.WriteLine("report"));
  ASSERT_TRUE(absl::StrContains(process.ReadLine(absl::Minutes(1)).value_or(""), "threads="));
}

inline void Serve(ChildProcess& server) {
  ASSERT_TRUE(server.WriteLine("serve"));
  ASSERT_EQ(server.ReadLine(absl::Seconds(60)), "ready");
}

// Which a handler's complaint would fail.
inline void ShutDown(ChildProcess& server) {
  server.CloseInput();
  EXPECT_EQ(server.ReadLine(absl::Seconds(60)), "done");
  EXPECT_EQ(server.Wait(absl::Seconds(60)), 0);
}

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_RELIABILITY_DEATHS_H_

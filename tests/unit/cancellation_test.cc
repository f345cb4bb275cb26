#include "udsrpc/cancellation.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

#include "tests/support/event.h"

namespace udsrpc {
namespace {

TEST(CancellationTest, RunsCallbacksInTheirOrderAndOnce) {
  Cancellation cancellation;
  std::string ran;
  cancellation.Subscribe([&] { ran += 'a'; });
  cancellation.Subscribe([&] { ran += 'b'; });
  cancellation.Cancel();
  cancellation.Cancel();
  EXPECT_EQ(ran, "ab");
  EXPECT_EQ(cancellation.Subscribe([&] { ran += 'c'; }), 0u);
  EXPECT_EQ(ran, "abc");
}

TEST(CancellationTest, ACallbackMayDestroyIt) {
  auto cancellation = std::make_unique<Cancellation>();
  bool other_ran = false;
  cancellation->Subscribe([&] { cancellation.reset(); });
  cancellation->Subscribe([&] { other_ran = true; });
  cancellation->Cancel();
  EXPECT_EQ(cancellation, nullptr);
  EXPECT_FALSE(other_ran);
}

TEST(CancellationTest, ItsDestructionWaitsForCallbacksOfAnotherThread) {
  auto cancellation = std::make_unique<Cancellation>();
  testing::Event running;
  testing::Event go_on;
  bool returned = false;
  cancellation->Subscribe([&] {
    running.Happen();
    returned = go_on.Await();
  });
  std::thread canceller([&cancelled = *cancellation] { cancelled.Cancel(); });
  ASSERT_TRUE(running.Await());
  std::thread releaser([&] { go_on.Happen(); });
  cancellation.reset();
  EXPECT_TRUE(returned);
  releaser.join();
  canceller.join();
}

}  // namespace
}  // namespace udsrpc

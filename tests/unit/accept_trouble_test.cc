#include "server/src/accept_trouble.h"

#include <cerrno>

#include "gtest/gtest.h"

namespace udsrpc {
namespace {

TEST(AcceptTroubleTest, SaysOnceThatItBeginsAndOnceThatItIsOver) {
  AcceptTrouble trouble;
  const AcceptTrouble::Clock::time_point now{std::chrono::hours(1)};
  EXPECT_EQ(trouble.OnAccepted(), "");
  EXPECT_EQ(
      trouble.OnFailed("unix:/s", EMFILE, now),
      "unix:/s: cannot accept connections: Too many open files; raise the limit of open files; those that connect "
      "wait");
  EXPECT_EQ(trouble.OnFailed("unix:/s", EMFILE, now + std::chrono::hours(1)), "");
  EXPECT_EQ(trouble.OnAccepted(), "unix:/s: accepts connections again");
  EXPECT_EQ(trouble.OnAccepted(), "");
}

TEST(AcceptTroubleTest, SaysNothingOfWhatComesAgainAtOnce) {
  AcceptTrouble trouble;
  AcceptTrouble::Clock::time_point now{std::chrono::hours(1)};
  EXPECT_NE(trouble.OnFailed("unix:/s", ENOMEM, now), "");
  EXPECT_NE(trouble.OnAccepted(), "");
  EXPECT_EQ(trouble.OnFailed("unix:/s", ENOMEM, now + std::chrono::seconds(9)), "");
  EXPECT_EQ(trouble.OnAccepted(), "") << "nothing of its end either";
  EXPECT_EQ(trouble.OnDropped("unix:/s", absl::ResourceExhaustedError("why"), now + std::chrono::seconds(9)), "");
  now += std::chrono::seconds(10);
  EXPECT_EQ(trouble.OnDropped("unix:/s", absl::ResourceExhaustedError("why"), now),
            "unix:/s: a connection was closed unserved: why");
  EXPECT_NE(trouble.OnFailed("unix:/s", ENOMEM, now + std::chrono::seconds(10)), "");
}

}  // namespace
}  // namespace udsrpc

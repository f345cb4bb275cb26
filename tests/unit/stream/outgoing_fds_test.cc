#include "common/src/stream/outgoing_fds.h"

#include <unistd.h>

#include <vector>

#include "gtest/gtest.h"

namespace udsrpc {
namespace {

absl::StatusCode Check(const std::vector<UniqueFd>& fds, size_t accepted) {
  return CheckOutgoingFds("/p.S/M", fds, accepted, "server", "ServerOptions::max_receive_fds").code();
}

std::vector<UniqueFd> Invalid(size_t count) { return std::vector<UniqueFd>(count); }

TEST(OutgoingFds, GoToThoseWhoAcceptThem) {
  EXPECT_EQ(Check({}, 1), absl::StatusCode::kOk);
  EXPECT_EQ(Check(Invalid(1), 0), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Check(Invalid(3), 2), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Check(Invalid(2), 2), absl::StatusCode::kInvalidArgument);
  const std::vector<UniqueFd> fds = MakeFds(UniqueFd(dup(0)), UniqueFd(dup(0)));
  EXPECT_EQ(Check(fds, 2), absl::StatusCode::kOk);
  EXPECT_EQ(Check(fds, 1), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace udsrpc

#include "server/src/grpc_peers.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "common/src/socket/socket.h"
#include "gtest/gtest.h"

namespace udsrpc {
namespace {

std::shared_ptr<Caller> CallerOf(pid_t pid) {
  return std::make_shared<Caller>(
      std::make_shared<const Peer>("unix:/s", "", Transport::kGrpc, pid, Peer::Ids(), "", -1),
      std::make_shared<User>(UserLimits()));
}

class GrpcPeersTest : public ::testing::Test {
 protected:
  UniqueFd Connect(pid_t pid) {
    return peers_.Add(*OpenSocket(SocketKind::kStream), CallerOf(pid), now_, not_held_back_since_);
  }
  pid_t PidOf(int number) const {
    const std::shared_ptr<const Caller> caller = peers_.Find(absl::StrCat("fd:", number));
    return caller == nullptr ? 0 : caller->peer().pid();
  }
  void ConnectMany() {
    peers_.Sweep(now_, not_held_back_since_);
    for (int i = 0; i < 10; ++i) Connect(999);
  }

  GrpcPeers::Clock::time_point now_{std::chrono::hours(1)};
  GrpcPeers::Clock::time_point not_held_back_since_{};
  GrpcPeers peers_;
};

TEST_F(GrpcPeersTest, FindsWhoWasAdded) {
  const UniqueFd one = Connect(1);
  const UniqueFd two = Connect(2);
  EXPECT_EQ(PidOf(one.get()), 1);
  EXPECT_EQ(PidOf(two.get()), 2);
}

TEST_F(GrpcPeersTest, FindsNobodyForWhatIsNoNumberOfAConnection) {
  const UniqueFd one = Connect(1);
  for (const std::string peer : {"", "fd:", "fd:x", "unix:", "unix:/run/x", "fd:100000", "fd:-1"}) {
    EXPECT_EQ(peers_.Find(peer), nullptr) << peer;
  }
}

TEST_F(GrpcPeersTest, KnowsWhetherTheClientIsStillThere) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  UniqueFd client(ends[1]);
  UniqueFd connection = peers_.Add(UniqueFd(ends[0]), CallerOf(1), now_, not_held_back_since_);
  const std::string peer = absl::StrCat("fd:", connection.get());
  EXPECT_FALSE(peers_.HasEnded(peer));
  EXPECT_EQ(write(client.get(), "x", 1), 1);
  EXPECT_FALSE(peers_.HasEnded(peer));
  client.reset();
  EXPECT_TRUE(peers_.HasEnded(peer)) << "what it has sent has not been read";
  // Closed on this side as well, and the number another's.
  connection.reset();
  EXPECT_TRUE(peers_.HasEnded(peer));
  const UniqueFd other = *OpenSocket(SocketKind::kStream);
  EXPECT_TRUE(peers_.HasEnded(peer));
  EXPECT_FALSE(peers_.HasEnded("unix:/run/x")) << "of a connection that was not added nothing is known";
}

TEST_F(GrpcPeersTest, ANumberThatWasClosedIsNotLentToTheNext) {
  int number;
  {
    const UniqueFd one = Connect(1);
    number = one.get();
  }
  const UniqueFd two = Connect(2);
  EXPECT_NE(two.get(), number);
  EXPECT_EQ(PidOf(number), 1) << "calls of it may yet begin";
  EXPECT_EQ(PidOf(two.get()), 2);
  ConnectMany();
  EXPECT_EQ(PidOf(number), 1);
}

TEST_F(GrpcPeersTest, ANumberIsUsedAgainWhenNoCallOfItCanBeLeft) {
  const int number = Connect(1).get();
  ConnectMany();
  now_ += GrpcPeers::kQuarantine - std::chrono::milliseconds(1);
  ConnectMany();
  EXPECT_EQ(PidOf(number), 1);
  now_ += std::chrono::milliseconds(2);
  not_held_back_since_ = GrpcPeers::Clock::time_point::max();
  ConnectMany();
  EXPECT_EQ(PidOf(number), 1) << "gRPC may hold a call of it";
  not_held_back_since_ = now_;
  ConnectMany();
  EXPECT_EQ(PidOf(number), 1);
  now_ += GrpcPeers::kQuarantine;
  ConnectMany();
  EXPECT_EQ(PidOf(number), 999) << "it was not used again";
}

TEST_F(GrpcPeersTest, AConnectionThatLivesKeepsItsNumber) {
  const UniqueFd one = Connect(1);
  for (int i = 0; i < 5; ++i) {
    now_ += std::chrono::hours(1);
    ConnectMany();
    EXPECT_EQ(PidOf(one.get()), 1);
  }
}

TEST_F(GrpcPeersTest, ForgetsThoseWhoHaveGone) {
  int highest = 0;
  for (int i = 0; i < 50; ++i) {
    now_ += std::chrono::seconds(10);
    for (int k = 0; k < 20; ++k) highest = std::max(highest, Connect(i).get());
  }
  EXPECT_LT(highest, 200) << "numbers are not used again";
}

TEST_F(GrpcPeersTest, ManyWhoComeAndGoAreAddedQuickly) {
  // Each is added by at most a few system calls, however many numbers are in quarantine.
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 20'000; ++i) {
    now_ += std::chrono::milliseconds(10);
    ASSERT_TRUE(Connect(i).valid()) << i;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST_F(GrpcPeersTest, WithoutANumberTheConnectionIsClosed) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 100;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  int added = 0;
  while (Connect(1).valid() && added < 200) ++added;
  EXPECT_GT(added, 20);
  EXPECT_LT(added, 100) << "a number was lent";
  now_ += std::chrono::hours(1);
  Connect(2);  // finds what is closed
  now_ += std::chrono::hours(1);
  EXPECT_TRUE(Connect(2).valid());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace udsrpc

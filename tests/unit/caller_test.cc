#include "server/src/caller.h"

#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "server/src/turn_queue.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {
namespace {

constexpr UserLimits kFew{.max_connections = 2, .max_calls = 3};

class CallerTest : public ::testing::Test {
 protected:
  CallerTest() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    one_.reset(fds[0]);
    other_.reset(fds[1]);
  }

  absl::StatusOr<std::shared_ptr<Caller>> Meet(const Admission& admission = Admission()) {
    return Caller::Meet(one_.get(), "unix:/s", Transport::kGrpc, /*with_pidfd=*/false, admission, users_);
  }

  UniqueFd one_;
  UniqueFd other_;
  Users users_{UserLimits(), {{geteuid(), kFew}}};
};

TEST_F(CallerTest, ConnectionsCountWhileTheyLast) {
  std::shared_ptr<Caller> first = *Meet();
  const std::shared_ptr<Caller> second = *Meet();
  const std::shared_ptr<Caller> third = *Meet();
  EXPECT_TRUE(first->refusal().ok());
  EXPECT_TRUE(second->refusal().ok());
  EXPECT_EQ(third->refusal().code(), absl::StatusCode::kResourceExhausted);
  first.reset();
  EXPECT_TRUE(third->refusal().ok()) << "it is looked at anew, with each call";
  EXPECT_EQ((*Meet())->refusal().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(CallerTest, SoManyThatAreRefusedAreKept) {
  std::vector<std::shared_ptr<Caller>> kept;
  for (int i = 0; i < 10; ++i) kept.push_back(*Meet());
  EXPECT_EQ(Meet().status().code(), absl::StatusCode::kResourceExhausted);
  kept.pop_back();
  EXPECT_TRUE(Meet().ok());
}

TEST_F(CallerTest, CallsCountWhileTheyLast) {
  const std::shared_ptr<Caller> first = *Meet();
  const std::shared_ptr<Caller> second = *Meet();
  std::vector<User::Share> calls(4);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE((i == 0 ? first : second)->BeginCall(&calls[i]).ok()) << i;
  EXPECT_EQ(first->BeginCall(&calls[3]).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(calls[3].is_nothing()) << "it is counted among those that are refused";
  calls[1] = User::Share();
  User::Share again;
  EXPECT_TRUE(first->BeginCall(&again).ok());
}

TEST_F(CallerTest, CallsThatAreRefusedCountAsWell) {
  const std::shared_ptr<Caller> caller = *Meet();
  std::vector<User::Share> calls(3 + 256 + 1);
  for (User::Share& call : calls) caller->BeginCall(&call).IgnoreError();
  EXPECT_FALSE(calls[3 + 255].is_nothing());
  EXPECT_TRUE(calls.back().is_nothing());
}

class Waiting final : public TurnTaker::Waiting {
 public:
  explicit Waiting(Caller& caller) : caller_(caller) {}
  TurnTaker* owner() override { return &caller_.turns(); }

 private:
  Caller& caller_;
};

// Not connections, of which one user may have many.
TEST(CallerTurns, AreTheirUsers) {
  const auto user = std::make_shared<User>(UserLimits());
  const auto other_user = std::make_shared<User>(UserLimits());
  Caller first(std::make_shared<Peer>(), user);
  Caller second(std::make_shared<Peer>(), user);
  Caller other(std::make_shared<Peer>(), other_user);
  Waiting of_first(first);
  Waiting of_second(second);
  Waiting of_other(other);
  TurnQueue queue(0);
  for (Waiting* waiting : {&of_first, &of_second, &of_other}) queue.Push(*waiting);
  EXPECT_EQ(&queue.Pop(), &of_first);
  EXPECT_EQ(&queue.Pop(), &of_other);
  EXPECT_EQ(&queue.Pop(), &of_second);
}

TEST(UserHeld, IsGivenBack) {
  User user(UserLimits{.max_bytes = 100});
  User::Held first;
  EXPECT_TRUE(user.HoldBytes(first, 60));
  {
    User::Held second;
    EXPECT_FALSE(user.HoldBytes(second, 41));
    EXPECT_TRUE(user.HoldBytes(second, 40));
    EXPECT_FALSE(user.HoldBytes(first, 61));
    User::Held moved = std::move(second);
    EXPECT_TRUE(user.HoldBytes(first, 10));
    EXPECT_TRUE(user.HoldBytes(moved, 90));
  }
  EXPECT_TRUE(user.HoldBytes(first, 100));
}

TEST(UserHeld, OfDescriptorsIsBoundedAsWell) {
  User user(UserLimits{.max_untaken_fds = 3});
  User::Held one;
  User::Held other;
  EXPECT_TRUE(user.HoldFds(one, 2));
  EXPECT_FALSE(user.HoldFds(other, 2));
  EXPECT_TRUE(user.HoldFds(one, 0));
  EXPECT_TRUE(user.HoldFds(other, 3));
}

TEST(Users, TheServersUserAndRootHaveNoLimitsUnlessTheyAreNamed) {
  Users users(kFew, {});
  EXPECT_EQ(users.Find(geteuid())->limits().max_calls, UserLimits::kUnlimited);
  EXPECT_EQ(users.Find(0)->limits().max_connections, UserLimits::kUnlimited);
  EXPECT_EQ(users.Find(4242)->limits().max_calls, kFew.max_calls);
  Users named(UserLimits(), {{0, kFew}, {4242, {.max_connections = 7}}});
  EXPECT_EQ(named.Find(0)->limits().max_calls, kFew.max_calls);
  EXPECT_EQ(named.Find(4242)->limits().max_connections, 7);
}

TEST(Users, OneIsTheSameForAllWhoHaveIt) {
  Users users(kFew, {});
  const std::shared_ptr<User> user = users.Find(4242);
  for (uid_t uid = 5000; uid < 6000; ++uid) users.Find(uid);
  EXPECT_EQ(users.Find(4242), user);
}

}  // namespace
}  // namespace udsrpc

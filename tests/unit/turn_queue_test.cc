#include "server/src/turn_queue.h"

#include <chrono>
#include <list>
#include <string>

#include "gtest/gtest.h"

namespace udsrpc {
namespace {

using Clock = Deadline::Clock;
using std::chrono::milliseconds;

// In milliseconds; a test's own.
int now_ms = 0;
Clock::time_point AtMs(int ms) { return Clock::time_point(milliseconds(ms)); }
Clock::time_point FakeNow() { return AtMs(now_ms); }

class QueuedCall final : public TurnTaker::Waiting {
 public:
  QueuedCall(char name, TurnTaker& owner, Clock::time_point wanted_until)
      : name_(name), owner_(owner), wanted_until_(wanted_until) {}
  char name() const { return name_; }
  TurnTaker* owner() override { return &owner_; }
  Clock::time_point wanted_until() const override { return wanted_until_; }

 private:
  const char name_;
  TurnTaker& owner_;
  const Clock::time_point wanted_until_;
};

class TurnQueueTest : public ::testing::Test {
 protected:
  TurnQueueTest() { now_ms = 0; }
  ~TurnQueueTest() override { PopAll(); }

  void Push(const std::string& names, TurnTaker& owner, Clock::time_point wanted_until = Clock::time_point::max()) {
    for (const char name : names) queue_.Push(calls_.emplace_back(name, owner, wanted_until));
  }
  char Pop() { return static_cast<QueuedCall&>(queue_.Pop()).name(); }
  std::string PopAll() {
    std::string names;
    while (!queue_.empty()) names += Pop();
    return names;
  }

  const int first_user_ = 1;
  const int second_user_ = 2;
  TurnTaker first_{&first_user_};
  TurnTaker second_{&first_user_};
  TurnTaker third_{&first_user_};
  TurnTaker other_{&second_user_};
  std::list<QueuedCall> calls_;
  TurnQueue queue_{0, &FakeNow};
};

TEST_F(TurnQueueTest, UsersTakeTurnsHoweverManyConnectionsOneHas) {
  Push("aaa", first_);
  Push("bbb", second_);
  Push("ccc", third_);
  Push("xyz", other_);
  EXPECT_EQ(queue_.size(), 12U);
  EXPECT_EQ(PopAll(), "axbyczabcabc");
}

TEST_F(TurnQueueTest, AUserWhoComesBackWaitsForItsTurn) {
  Push("aa", first_);
  Push("x", other_);
  EXPECT_EQ(Pop(), 'a');
  EXPECT_EQ(Pop(), 'x');
  Push("x", other_);
  EXPECT_EQ(PopAll(), "ax");
}

TEST_F(TurnQueueTest, ThoseWhoseTimeIsLongAreServedInTheirOrder) {
  Push("abc", first_, AtMs(1000));
  Push("de", second_, AtMs(1000));
  now_ms = 499;
  EXPECT_EQ(PopAll(), "adbec");
}

TEST_F(TurnQueueTest, OnceTheFirstHasWaitedForHalfOfItsTimeTheNewestAreServedFirst) {
  Push("abc", first_, AtMs(1000));
  now_ms = 500;
  Push("d", first_, AtMs(1500));
  EXPECT_EQ(PopAll(), "dcba");
}

TEST_F(TurnQueueTest, ConnectionsTakeTurnsInTheReverseOrderToo) {
  Push("abc", first_, AtMs(1000));
  Push("def", second_, AtMs(1000));
  now_ms = 600;
  EXPECT_EQ(Pop(), 'f');
  EXPECT_EQ(Pop(), 'c');
  EXPECT_EQ(Pop(), 'e');
  Push("g", third_, AtMs(1600));
  EXPECT_EQ(PopAll(), "gbda");
}

TEST_F(TurnQueueTest, AUserWhoseCallsHaveTimeIsServedInOrderBesideOneWhoseHaveNot) {
  Push("abc", first_, AtMs(1000));
  Push("xyz", other_, AtMs(9000));
  now_ms = 600;
  EXPECT_EQ(PopAll(), "cxbyaz");
}

TEST_F(TurnQueueTest, ThoseThatNobodyWantsAnyMoreGoAtOnce) {
  Push("ab", first_, AtMs(1000));
  now_ms = 400;
  Push("cd", first_, AtMs(1400));
  now_ms = 1000;
  EXPECT_EQ(PopAll(), "abdc");
}

TEST_F(TurnQueueTest, WithoutDeadlinesNoClockIsLookedAt) {
  TurnQueue queue(0, nullptr);
  for (const char name : {'a', 'b'}) queue.Push(calls_.emplace_back(name, first_, Clock::time_point::max()));
  EXPECT_EQ(static_cast<QueuedCall&>(queue.Pop()).name(), 'a');
  EXPECT_EQ(static_cast<QueuedCall&>(queue.Pop()).name(), 'b');
}

TEST_F(TurnQueueTest, ManyUsersComeAndGo) {
  std::list<TurnTaker> owners;
  std::list<int> users;
  for (int i = 0; i < 1000; ++i) {
    Push(i % 2 == 0 ? "a" : "b", owners.emplace_back(&users.emplace_back(i)));
    if (i % 3 == 0) Pop();
  }
  EXPECT_EQ(PopAll().size(), 666U);
}

TEST_F(TurnQueueTest, AnyMayBeTaken) {
  Push("ab", first_, AtMs(1000));
  queue_.PopAny();
  queue_.PopAny();
  EXPECT_TRUE(queue_.empty());
}

}  // namespace
}  // namespace udsrpc

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "server/src/event_loop.h"
#include "server/src/method_pace.h"
#include "tests/support/high_water_mark.h"
#include "tests/unit/event_loop_sources.h"

// On which threads an event loop runs its tasks, beside the ones that event_loop_test.cc is about.

namespace udsrpc {
namespace {

using Dispatch = MethodOptions::Dispatch;

void AwaitAtLeast(const std::atomic<int>& count, int least) {
  const absl::Time give_up = absl::Now() + absl::Seconds(20);
  while (count < least && absl::Now() < give_up) std::this_thread::yield();
  ASSERT_GE(count, least);
}

TEST(EventLoopDispatch, WhatGoesToThePoolDoesNotMoveTheLead) {
  const auto loop = MakeLoop(4);
  MethodPace pool({.dispatch = Dispatch::kPool});
  Event release;
  std::atomic<int> blocked{0};
  const auto slow = std::make_shared<Packets>(
      [&](char) {
        ++blocked;
        EXPECT_TRUE(release.Await());
      },
      &pool);
  std::thread::id leader;
  std::atomic<int> ran{0};
  const auto quick = std::make_shared<Packets>([&](char) {
    if (ran == 0) leader = std::this_thread::get_id();
    EXPECT_EQ(leader, std::this_thread::get_id());
    ++ran;
  });
  ASSERT_TRUE(loop->Add(slow->fd(), slow).ok());
  ASSERT_TRUE(loop->Add(quick->fd(), quick).ok());
  for (int i = 1; i <= 3; ++i) {
    slow->Send("s");
    AwaitAtLeast(blocked, i);
    quick->Send("q");
    AwaitAtLeast(ran, i);
  }
  EXPECT_EQ(slow->parked, 3) << "what waits for a thread keeps no packet";
  release.Happen();
  loop->Stop();
}

TEST(EventLoopDispatch, AMethodThatProvesSlowGoesToThePool) {
  const auto loop = MakeLoop(4);
  MethodPace pace({});
  std::atomic<int> ended{0};
  const auto slow = std::make_shared<Packets>(
      [&](char) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));  // it computes
        ++ended;
      },
      &pace);
  ASSERT_TRUE(loop->Add(slow->fd(), slow).ok());
  // Each is overtaken, as a rule; one that the machine holds up for as long is not.
  for (int i = 1; i <= 100 && !pace.goes_to_pool(); ++i) {
    slow->Send("s");
    AwaitAtLeast(ended, i);
  }
  EXPECT_TRUE(pace.goes_to_pool());
  loop->Stop();
}

TEST(EventLoopDispatch, TheLimitOfHandlersHoldsForThePoolToo) {
  const auto loop = MakeLoop(2);
  MethodPace pool({.dispatch = Dispatch::kPool});
  Event release;
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  std::atomic<int> ended{0};
  const auto source = std::make_shared<Packets>(
      [&](char) {
        const int now = ++running;
        testing::RaiseTo(most, now);
        EXPECT_TRUE(release.Await());
        --running;
        ++ended;
      },
      &pool);
  ASSERT_TRUE(loop->Add(source->fd(), source).ok());
  source->Send("123456");
  AwaitAtLeast(running, 2);
  release.Happen();
  AwaitAtLeast(ended, 6);
  EXPECT_EQ(most, 2);
  loop->Stop();
}

TEST(EventLoopDispatch, ThePoolRunsWhatTheLeadersOwnHandlerKeptWaiting) {
  const auto loop = MakeLoop(1);
  MethodPace pool({.dispatch = Dispatch::kPool});
  std::atomic<int> ended{0};
  const auto pooled = std::make_shared<Packets>([&](char) { ++ended; }, &pool);
  // Long enough for the pool's thread to find the slot taken; and some give the lead up.
  const auto quick = std::make_shared<Packets>([&](char byte) {
    std::this_thread::sleep_for(std::chrono::microseconds(300));
    if (byte == 'b') loop->AboutToBlock();
    ++ended;
  });
  ASSERT_TRUE(loop->Add(pooled->fd(), pooled).ok());
  ASSERT_TRUE(loop->Add(quick->fd(), quick).ok());
  for (int i = 1; i <= 100; ++i) {
    quick->Send(i % 2 == 0 ? "b" : "q");
    pooled->Send("p");
    AwaitAtLeast(ended, 2 * i);
  }
  loop->Stop();
}

TEST(EventLoopDispatch, ThePoolAndTheLeaderTakeTurnsAtTheLimit) {
  const auto loop = MakeLoop(1);
  MethodPace pool({.dispatch = Dispatch::kPool});
  std::atomic<int> pooled_ended{0};
  std::atomic<int> quick_ended{0};
  const auto pooled = std::make_shared<Packets>([&](char) { ++pooled_ended; }, &pool);
  std::shared_ptr<Packets> quick;
  // There is always one more to run.
  quick = std::make_shared<Packets>([&](char) {
    if (pooled_ended == 0 && ++quick_ended < 1'000'000) quick->Send("q");
  });
  ASSERT_TRUE(loop->Add(pooled->fd(), pooled).ok());
  ASSERT_TRUE(loop->Add(quick->fd(), quick).ok());
  quick->Send("qqq");
  pooled->Send("p");
  AwaitAtLeast(pooled_ended, 1);
  EXPECT_LT(quick_ended, 1'000'000);
  loop->Stop();
}

TEST(EventLoopDispatch, ThreadsThatAreStuckGoingOnTakeNoPlaceOfHandlers) {
  class Stuck final : public LoopTask {
   public:
    explicit Stuck(std::function<void()> run) : run_(std::move(run)) {}
    void Run(std::unique_ptr<LoopTask> /*self*/) override { run_(); }
    bool GoesOn() const override { return true; }

   private:
    const std::function<void()> run_;
  };
  const auto loop = MakeLoop(1);
  MethodPace pool({.dispatch = Dispatch::kPool});
  Event release;
  std::atomic<int> stuck{0};
  std::atomic<int> ended{0};
  for (int i = 0; i < 3; ++i) {
    std::vector<std::unique_ptr<LoopTask>> tasks;
    tasks.push_back(std::make_unique<Stuck>([&] {
      ++stuck;
      EXPECT_TRUE(release.Await());
    }));
    loop->Resume(std::move(tasks));
  }
  AwaitAtLeast(stuck, 3);
  const auto pooled = std::make_shared<Packets>([&](char) { ++ended; }, &pool);
  ASSERT_TRUE(loop->Add(pooled->fd(), pooled).ok());
  pooled->Send("p");
  AwaitAtLeast(ended, 1);
  release.Happen();
  loop->Stop();
}

TEST(EventLoopDispatch, LoopsShareTheirHandlersAndWakeEachOther) {
  const auto slots = std::make_shared<HandlerSlots>(1);
  std::vector<std::unique_ptr<EventLoop>> loops;
  for (int i = 0; i < 3; ++i) {
    absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create(slots, absl::ZeroDuration());
    ASSERT_TRUE(loop.ok()) << loop.status();
    loops.push_back(*std::move(loop));
  }
  MethodPace pool({.dispatch = Dispatch::kPool});
  std::atomic<int> running{0};
  std::atomic<int> ended{0};
  std::vector<std::shared_ptr<Packets>> sources;
  for (size_t i = 0; i < loops.size(); ++i) {
    sources.push_back(std::make_shared<Packets>(
        [&](char) {
          EXPECT_EQ(++running, 1);
          std::this_thread::sleep_for(std::chrono::microseconds(50));
          --running;
          ++ended;
        },
        i == 0 ? &pool : nullptr));
    ASSERT_TRUE(loops[i]->Add(sources[i]->fd(), sources[i]).ok());
  }
  for (int round = 1; round <= 50; ++round) {
    for (const auto& source : sources) source->Send("xyz");
    AwaitAtLeast(ended, 9 * round);
  }
  for (const auto& loop : loops) loop->Stop();
}

TEST(EventLoopDispatch, ConnectionsTakeTurns) {
  // Whose tasks are its own.
  class Owned final : public LoopTask {
   public:
    Owned(TurnTaker& owner, std::string& ran, char name) : owner_(owner), ran_(ran), name_(name) {}
    void Run(std::unique_ptr<LoopTask> /*self*/) override { ran_ += name_; }
    TurnTaker* owner() override { return &owner_; }

   private:
    TurnTaker& owner_;
    std::string& ran_;
    const char name_;
  };
  using Owner = TurnTaker;
  Owner busy;
  Owner modest;
  const auto loop = MakeLoop(4);
  std::string ran;
  Event done;
  std::vector<std::unique_ptr<LoopTask>> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(std::make_unique<Owned>(busy, ran, 'b'));
  tasks.push_back(std::make_unique<Owned>(modest, ran, 'm'));
  for (int i = 0; i < 10; ++i) tasks.push_back(std::make_unique<Owned>(busy, ran, 'b'));
  // By the leader, so that it runs none before it has all.
  const auto source = std::make_shared<Packets>([&](char byte) {
    if (byte == 'x') return loop->Resume(std::move(tasks));
    done.Happen();
  });
  ASSERT_TRUE(loop->Add(source->fd(), source).ok());
  source->Send("x");
  source->Send("z");
  EXPECT_TRUE(done.Await());
  loop->Stop();
  EXPECT_EQ(ran.substr(0, 2), "bm") << ran;
}

TEST(EventLoopDispatch, AHandlerThatWaitsReadsOnAndNobodyElseIsWoken) {
  const auto loop = MakeLoop(4);
  Event waiting;
  Event done;
  std::shared_ptr<Packets> source;
  source = std::make_shared<Packets>([&](char) {
    ASSERT_TRUE(loop->MayReadOn());
    waiting.Happen();
    while (source->dots == 0) {
      ASSERT_TRUE(loop->MayReadOn()) << "the lead is lost with nothing else to run";
      loop->ReadOn(absl::Seconds(20));
    }
    EXPECT_TRUE(loop->DeferFlush(*source)) << "it leads still";
    done.Happen();
  });
  ASSERT_TRUE(loop->Add(source->fd(), source).ok());
  source->Send("w");
  ASSERT_TRUE(waiting.Await());
  source->Send(".");
  EXPECT_TRUE(done.Await());
  loop->Stop();
}

TEST(EventLoopDispatch, WhatAWaitingHandlerReadsForOthersIsRunByOthers) {
  const auto loop = MakeLoop(4);
  Event waiting;
  Event other;
  Event done;
  std::shared_ptr<Packets> source;
  source = std::make_shared<Packets>([&](char byte) {
    if (byte == 'o') return other.Happen();
    waiting.Happen();
    while (loop->MayReadOn()) loop->ReadOn(absl::Seconds(20));
    EXPECT_TRUE(other.Await()) << "it waits behind a handler that waits";
    EXPECT_FALSE(loop->DeferFlush(*source)) << "it leads still";
    done.Happen();
  });
  ASSERT_TRUE(loop->Add(source->fd(), source).ok());
  source->Send("w");
  ASSERT_TRUE(waiting.Await());
  source->Send("o");
  EXPECT_TRUE(done.Await());
  loop->Stop();
}

TEST(EventLoopDispatch, ReadingOnEndsWithItsPatienceAndWithTheLoop) {
  const auto loop = MakeLoop(4);
  Event waiting;
  std::atomic<int> turns{0};
  const auto source = std::make_shared<Packets>([&](char) {
    ASSERT_TRUE(loop->MayReadOn());
    loop->ReadOn(absl::Milliseconds(1));
    ++turns;
    waiting.Happen();
    while (loop->MayReadOn()) loop->ReadOn(absl::InfiniteDuration());
  });
  ASSERT_TRUE(loop->Add(source->fd(), source).ok());
  source->Send("w");
  ASSERT_TRUE(waiting.Await());
  EXPECT_EQ(turns, 1);
  loop->Stop();
}

// Waits in a handler as a stream does, until its thread leads, or has waited `times` times. Whether it leads.
bool WaitForLead(EventLoop& loop, int times) {
  for (int i = 0; i < times; ++i) {
    if (loop.MayReadOn()) return true;
    loop.AboutToBlock();
    absl::SleepFor(absl::Milliseconds(1));
  }
  return false;
}

// On a machine that is busy a handler may be overtaken at any moment, and then leads no more: so these try again.
constexpr int kAttempts = 100;
constexpr int kWaits = 100;

void ExpectSomebodyLeads(Packets& source, Event& other) {
  for (int i = other.times() + 1; i < 10; ++i) {
    source.Send("o");
    ASSERT_TRUE(other.Await(i)) << "nobody leads";
  }
}

// Whether a handler that has lost the lead, by what it read for others, has it again at its end.
bool TakesTheLeadBack() {
  const auto loop = MakeLoop(4);
  Event waiting;
  Event other;
  Event leads;
  Event done;
  bool has_it_again = false;
  std::shared_ptr<Packets> source;
  source = std::make_shared<Packets>([&](char byte) {
    if (byte == 'o') return other.Happen();
    waiting.Happen();
    while (loop->MayReadOn()) loop->ReadOn(absl::Seconds(20));
    EXPECT_TRUE(other.Await());
    const bool led = WaitForLead(*loop, kWaits);
    leads.Happen();
    while (source->dots == 0 && loop->MayReadOn()) loop->ReadOn(absl::Seconds(20));
    has_it_again = led && loop->CallerLeads();
    done.Happen();
  });
  EXPECT_TRUE(loop->Add(source->fd(), source).ok());
  source->Send("w");
  EXPECT_TRUE(waiting.Await());
  source->Send("o");
  EXPECT_TRUE(leads.Await());
  source->Send(".");
  EXPECT_TRUE(done.Await());
  ExpectSomebodyLeads(*source, other);
  loop->Stop();
  return has_it_again;
}

TEST(EventLoopDispatch, WhoWaitsInAHandlerTakesTheLeadBackFromWhoSleeps) {
  int attempts = 1;
  while (!TakesTheLeadBack()) ASSERT_LT(++attempts, kAttempts);
}

// Whether a handler that was begun beside the leader has taken the lead.
bool TakesTheLeadBesideTheLeader() {
  const auto loop = MakeLoop(1);
  Event blocks;
  Event may_return;
  Event ended;
  Event other;
  bool took_it = false;
  const auto source = std::make_shared<Packets>([&](char byte) {
    if (byte == 'b') {
      blocks.Happen();
      loop->AboutToBlock();
      EXPECT_TRUE(may_return.Await());
    } else if (byte == 'w') {  // for which there is a slot once 'b' has returned: on that one's thread, or the leader's
      const bool beside = !loop->CallerLeads();
      took_it = WaitForLead(*loop, kWaits) && beside;
      ended.Happen();
    } else {
      other.Happen();
    }
  });
  EXPECT_TRUE(loop->Add(source->fd(), source).ok());
  source->Send("b");
  EXPECT_TRUE(blocks.Await());
  source->Send("w");
  AwaitAtLeast(source->parked, 1);
  may_return.Happen();
  EXPECT_TRUE(ended.Await());
  ExpectSomebodyLeads(*source, other);
  loop->Stop();
  return took_it;
}

TEST(EventLoopDispatch, WhoTookTheLeadBesideTheLeaderKeepsItWhenItsHandlerReturns) {
  int attempts = 1;
  while (!TakesTheLeadBesideTheLeader()) ASSERT_LT(++attempts, kAttempts);
}

TEST(EventLoopDispatch, WhoWasOvertakenTakesTheLeadBackNoMore) {
  const auto loop = MakeLoop(4);
  Event done;
  const auto source = std::make_shared<Packets>([&](char) {
    const absl::Time give_up = absl::Now() + testing::kPatience;
    while (loop->CallerLeads() && absl::Now() < give_up) continue;
    EXPECT_FALSE(loop->CallerLeads());
    EXPECT_FALSE(WaitForLead(*loop, 50));
    done.Happen();
  });
  ASSERT_TRUE(loop->Add(source->fd(), source).ok());
  source->Send("s");
  EXPECT_TRUE(done.Await());
  loop->Stop();
}

TEST(EventLoopDispatch, OnlyTheLeaderReadsOn) {
  const auto loop = MakeLoop(4);
  EXPECT_FALSE(loop->MayReadOn());
  loop->ReadOn(absl::InfiniteDuration());
  loop->Stop();
}

}  // namespace
}  // namespace udsrpc

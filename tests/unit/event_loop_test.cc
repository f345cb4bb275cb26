#include "server/src/event_loop.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/src/spin_policy.h"
#include "gtest/gtest.h"
#include "tests/support/high_water_mark.h"
#include "tests/unit/event_loop_sources.h"

namespace udsrpc {
namespace {

TEST(EventLoop, RunsTheHandlersOfAPacketInOrderAndFlushesOnceForAll) {
  const auto loop = MakeLoop(4);
  std::string order;
  std::shared_ptr<Packets> source;
  Event done;
  source = std::make_shared<Packets>([&](char byte) {
    order += byte;
    EXPECT_TRUE(loop->DeferFlush(*source));
    if (byte == 'z') done.Happen();
  });
  ASSERT_TRUE(loop->Add(source->fd(), source).ok());
  source->Send("abcz");
  EXPECT_TRUE(done.Await());
  loop->Stop();
  EXPECT_EQ(order, "abcz");
  EXPECT_LE(source->flushes, 1);
}

TEST(EventLoop, DefersFlushesOfItsLeaderOnly) {
  const auto loop = MakeLoop(4);
  const auto source = std::make_shared<Packets>([](char) {});
  EXPECT_FALSE(loop->DeferFlush(*source));
  loop->Stop();
}

// Has always more to read, where it is polled.
class Endless final : public EventLoop::Source {
 public:
  Endless(std::shared_ptr<Packets> packets, std::function<void()> on_poll)
      : packets_(std::move(packets)), on_poll_(std::move(on_poll)) {}
  void OnReadable(std::vector<std::unique_ptr<EventLoop::Task>>& tasks) override { packets_->OnReadable(tasks); }
  bool Poll(std::vector<std::unique_ptr<EventLoop::Task>>& /*tasks*/) override {
    on_poll_();
    return true;
  }
  void OnWritable() override {}
  void Flush() override {}

 private:
  const std::shared_ptr<Packets> packets_;
  const std::function<void()> on_poll_;
};

TEST(EventLoop, ASourceThatIsPolledKeepsNoOtherWaiting) {
  if (SpinPolicy::AvailableCpus() == 1) GTEST_SKIP() << "with one CPU nothing is polled";
  absl::StatusOr<std::unique_ptr<EventLoop>> loop =
      EventLoop::Create(std::make_shared<HandlerSlots>(4), /*spin_budget=*/absl::Seconds(1));
  ASSERT_TRUE(loop.ok()) << loop.status();
  Event heard;
  std::atomic<bool> sent{false};
  int polls = 0;  // since then; by the leader alone
  int polls_when_heard = 0;
  const auto other = std::make_shared<Packets>([&](char) {
    polls_when_heard = polls;
    heard.Happen();
  });
  std::atomic<int> read{0};
  const auto packets = std::make_shared<Packets>([&](char) { ++read; });
  const auto endless = std::make_shared<Endless>(packets, [&] {
    if (sent) ++polls;
    if (!sent.exchange(true)) other->Send("b");
  });
  ASSERT_TRUE((*loop)->Add(packets->fd(), endless).ok());
  ASSERT_TRUE((*loop)->Add(other->fd(), other).ok());
  // The loop finds its waits short, and polls.
  const absl::Time give_up = absl::Now() + absl::Seconds(20);
  for (int i = 1; !sent && absl::Now() < give_up; ++i) {
    packets->Send("a");
    while (read < i && !sent && absl::Now() < give_up) std::this_thread::yield();
  }
  EXPECT_TRUE(heard.Await());
  (*loop)->Stop();
  EXPECT_LE(polls_when_heard, 16);
}

TEST(EventLoop, AnotherThreadLeadsOnWhileAHandlerIsSlow) {
  const auto loop = MakeLoop(4);
  Event release;
  Event others;
  Event slow_done;
  std::shared_ptr<Packets> source;
  source = std::make_shared<Packets>([&](char byte) {
    if (byte == 's') {
      EXPECT_TRUE(release.Await());
      EXPECT_FALSE(loop->DeferFlush(*source)) << "it leads no more";
      slow_done.Happen();
    }
    if (byte == 'b') others.Happen();
  });
  ASSERT_TRUE(loop->Add(source->fd(), source).ok());
  source->Send("sab");  // a and b wait behind s, in the same packet
  EXPECT_TRUE(others.Await());
  release.Happen();
  EXPECT_TRUE(slow_done.Await());
  loop->Stop();
}

TEST(EventLoop, ADeferredFlushIsNotHeldUpByASlowHandlerBehindIt) {
  const auto loop = MakeLoop(4);
  // The flush of a's answer comes while the handler of s runs.
  class Notifying final : public EventLoop::Source {
   public:
    Notifying(std::shared_ptr<Packets> packets, Event& flushed) : packets_(std::move(packets)), flushed_(flushed) {}
    void OnReadable(std::vector<std::unique_ptr<EventLoop::Task>>& tasks) override { packets_->OnReadable(tasks); }
    bool Poll(std::vector<std::unique_ptr<EventLoop::Task>>&) override { return false; }
    void OnWritable() override {}
    void Flush() override { flushed_.Happen(); }

   private:
    const std::shared_ptr<Packets> packets_;
    Event& flushed_;
  };
  Event flushed;
  std::shared_ptr<Notifying> notifying;
  Event slow_ended;
  const auto packets = std::make_shared<Packets>([&](char byte) {
    if (byte == 'a') {
      EXPECT_TRUE(loop->DeferFlush(*notifying));
    } else {
      EXPECT_TRUE(flushed.Await());
      slow_ended.Happen();
    }
  });
  notifying = std::make_shared<Notifying>(packets, flushed);
  ASSERT_TRUE(loop->Add(packets->fd(), notifying).ok());
  packets->Send("as");
  EXPECT_TRUE(slow_ended.Await());
  loop->Stop();
}

TEST(EventLoop, ReadsOnWhileAllHandlersAreBusyAndRunsTheRestLater) {
  const auto loop = MakeLoop(2);
  Event release;
  Event heard;
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  std::atomic<int> ended{0};
  Event all;
  const auto source = std::make_shared<Packets>([&](char) {
    const int now = ++running;
    testing::RaiseTo(most, now);
    EXPECT_TRUE(release.Await());
    --running;
    if (++ended == 6) all.Happen();
  });
  class Hearing final : public EventLoop::Source {
   public:
    Hearing(std::shared_ptr<Packets> packets, Event& heard) : packets_(std::move(packets)), heard_(heard) {}
    void OnReadable(std::vector<std::unique_ptr<EventLoop::Task>>& tasks) override {
      packets_->OnReadable(tasks);
      tasks.clear();
      heard_.Happen();
    }
    bool Poll(std::vector<std::unique_ptr<EventLoop::Task>>&) override { return false; }
    void OnWritable() override {}
    void Flush() override {}

   private:
    const std::shared_ptr<Packets> packets_;
    Event& heard_;
  };
  const auto inner = std::make_shared<Packets>([](char) {});
  const auto hearing = std::make_shared<Hearing>(inner, heard);
  ASSERT_TRUE(loop->Add(source->fd(), source).ok());
  ASSERT_TRUE(loop->Add(inner->fd(), hearing).ok());
  source->Send("123456");
  while (running < 2) std::this_thread::yield();
  inner->Send("x");
  EXPECT_TRUE(heard.Await());
  release.Happen();
  EXPECT_TRUE(all.Await());
  EXPECT_EQ(most, 2);
  loop->Stop();
}

TEST(EventLoop, ParksWhatComesWhileAllHandlersAreBusy) {
  const auto loop = MakeLoop(1);
  Event release;
  Event all;
  std::atomic<int> ended{0};
  std::atomic<int> started{0};
  const auto source = std::make_shared<Packets>([&](char) {
    ++started;
    EXPECT_TRUE(release.Await());
    if (++ended == 3) all.Happen();
  });
  ASSERT_TRUE(loop->Add(source->fd(), source).ok());
  source->Send("1");
  while (started < 1) std::this_thread::yield();
  source->Send("23");
  while (source->parked < 2) std::this_thread::yield();
  EXPECT_EQ(started, 1);
  release.Happen();
  EXPECT_TRUE(all.Await());
  loop->Stop();
}

TEST(EventLoop, StopWaitsForRunningHandlers) {
  const auto loop = MakeLoop(4);
  Event started;
  Event release;
  std::atomic<bool> ended{false};
  const auto source = std::make_shared<Packets>([&](char) {
    started.Happen();
    EXPECT_TRUE(release.Await());
    ended = true;
  });
  ASSERT_TRUE(loop->Add(source->fd(), source).ok());
  source->Send("1");
  EXPECT_TRUE(started.Await());
  std::thread stopper([&] {
    loop->Stop();
    EXPECT_TRUE(ended);
  });
  release.Happen();
  stopper.join();
}

TEST(EventLoop, LetsGoOfASourceThatIsRemoved) {
  const auto loop = MakeLoop(4);
  auto source = std::make_shared<Packets>([](char) {});
  const std::weak_ptr<Packets> watched = source;
  ASSERT_TRUE(loop->Add(source->fd(), source).ok());
  loop->Remove(source->fd(), *source);
  source.reset();
  EXPECT_TRUE(watched.expired());
  loop->Stop();
}

}  // namespace
}  // namespace udsrpc

#include "server/src/grpc_poller_pool.h"

#include <atomic>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "tests/support/event.h"
#include "tests/support/high_water_mark.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// A handler that does what the test says.
class FakeHandler final : public GrpcPollerPool::Handler {
 public:
  explicit FakeHandler(std::function<void()> body) : body_(std::move(body)) {}

  void Run() override {
    body_();
    ran.Happen();
  }
  UsualTime& usual_time() override { return usual_time_; }

  Event ran;

 private:
  const std::function<void()> body_;
  UsualTime usual_time_;
};

// An event that completes something instead of running a handler.
class FakeCompletion final : public GrpcPollerPool::Handler {
 public:
  FakeCompletion() { completion.Begin(); }

  void Run() override { ADD_FAILURE() << "an event was run as a handler"; }
  UsualTime& usual_time() override { return usual_time_; }

  GrpcPollerPool::Completion completion;
  std::atomic<std::thread::id> completed_by{};

 private:
  UsualTime usual_time_;
};

// Events that a test puts in.
class FakeSource final : public GrpcPollerPool::Source {
 public:
  void Put(GrpcPollerPool::Handler* handler) {
    internal::MutexLock lock(mutex_);
    handlers_.push_back(handler);
    changed_.Signal();
  }
  void End() {
    internal::MutexLock lock(mutex_);
    ended_ = true;
    changed_.SignalAll();
  }

  bool Next(GrpcPollerPool::Handler*& handler) override {
    internal::MutexLock lock(mutex_);
    while (handlers_.empty() && !ended_) changed_.Wait(mutex_);
    if (handlers_.empty()) return false;
    handler = handlers_.front();
    handlers_.pop_front();
    taken.Happen();
    if (auto* event = dynamic_cast<FakeCompletion*>(handler)) {
      handler = nullptr;
      event->completed_by = std::this_thread::get_id();
      pool->Complete(event->completion);
    }
    return true;
  }

  Event taken;
  GrpcPollerPool* pool = nullptr;  // where completions come

 private:
  internal::Mutex mutex_;
  internal::CondVar changed_;
  std::deque<GrpcPollerPool::Handler*> handlers_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

class GrpcPollerPoolTest : public ::testing::Test {
 protected:
  ~GrpcPollerPoolTest() override {
    source_.End();
    if (pool_ != nullptr) pool_->Join();
  }

  void StartPool(const GrpcPollerPool::Limits& limits) {
    pool_ = std::make_unique<GrpcPollerPool>(source_, limits);
    source_.pool = pool_.get();
    ASSERT_TRUE(pool_->Start().ok());
  }

  FakeHandler& Put(std::function<void()> body) {
    handlers_.push_back(std::make_unique<FakeHandler>(std::move(body)));
    source_.Put(handlers_.back().get());
    return *handlers_.back();
  }

  FakeSource source_;
  std::unique_ptr<GrpcPollerPool> pool_;
  std::vector<std::unique_ptr<FakeHandler>> handlers_;
};

TEST_F(GrpcPollerPoolTest, EndsWithItsSource) {
  StartPool({.max_handlers = 1, .max_pollers = 1});
  source_.End();
  pool_->Join();
}

TEST_F(GrpcPollerPoolTest, RunsEveryHandlerOnce) {
  StartPool({.max_handlers = 4, .max_pollers = 2});
  for (int i = 0; i < 1000; ++i) Put([] {});
  for (const auto& handler : handlers_) EXPECT_TRUE(handler->ran.Await());
  source_.End();
  pool_->Join();
  for (const auto& handler : handlers_) EXPECT_EQ(handler->ran.times(), 1);
}

TEST_F(GrpcPollerPoolTest, AHandlerThatWaitsPollsItselfWhereNobodyElseDoes) {
  StartPool({.max_handlers = 4, .max_pollers = 1});
  FakeCompletion event;
  std::thread::id handlers_thread;
  Event waits;
  FakeHandler& handler = Put([&] {
    handlers_thread = std::this_thread::get_id();
    waits.Happen();
    pool_->Await(event.completion);
    pool_->Await(event.completion);  // nothing is to come
  });
  EXPECT_TRUE(waits.Await());
  source_.Put(&event);
  EXPECT_TRUE(handler.ran.Await());
  EXPECT_EQ(event.completed_by.load(), handlers_thread);
}

TEST_F(GrpcPollerPoolTest, HandlersThatWaitHoldUpNeitherOthersNorEachOther) {
  StartPool({.max_handlers = 8, .max_pollers = 1});
  std::vector<std::unique_ptr<FakeCompletion>> events;
  std::vector<FakeHandler*> waiting;
  Event waits;
  for (int i = 0; i < 4; ++i) {
    events.push_back(std::make_unique<FakeCompletion>());
    waiting.push_back(&Put([this, &waits, &event = *events.back()] {
      waits.Happen();
      pool_->Await(event.completion);
    }));
  }
  EXPECT_TRUE(waits.Await(4));
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(Put([] {}).ran.Await());
  // In the opposite order.
  for (int i = 3; i >= 0; --i) {
    EXPECT_EQ(waiting[i]->ran.times(), 0);
    source_.Put(events[i].get());
    EXPECT_TRUE(waiting[i]->ran.Await());
    EXPECT_TRUE(Put([] {}).ran.Await());
  }
}

TEST_F(GrpcPollerPoolTest, HandlersThatWaitForEachOtherByEventsEnd) {
  StartPool({.max_handlers = 2, .max_pollers = 1});
  // Each puts in what the other waits for, so that every wake-up counts; a lost one hangs.
  constexpr int kTurns = 2000;
  FakeCompletion ping;
  FakeCompletion pong;
  FakeHandler& server = Put([&] {
    for (int i = 0; i < kTurns; ++i) {
      pool_->Await(ping.completion);
      ping.completion.Begin();
      source_.Put(&pong);
    }
  });
  FakeHandler& client = Put([&] {
    for (int i = 0; i < kTurns; ++i) {
      source_.Put(&ping);
      pool_->Await(pong.completion);
      pong.completion.Begin();
    }
  });
  EXPECT_TRUE(server.ran.Await());
  EXPECT_TRUE(client.ran.Await());
}

TEST_F(GrpcPollerPoolTest, PollsOnWhileAHandlerBlocks) {
  StartPool({.max_handlers = 8, .max_pollers = 1});
  Event open;
  FakeHandler& blocked = Put([&open] { EXPECT_TRUE(open.Await()); });
  EXPECT_TRUE(source_.taken.Await());
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(Put([] {}).ran.Await());
  EXPECT_EQ(blocked.ran.times(), 0);
  open.Happen();
  EXPECT_TRUE(blocked.ran.Await());
}

TEST_F(GrpcPollerPoolTest, RunsAsManyHandlersAsBlock) {
  constexpr int kHandlers = 100;
  StartPool({.max_handlers = kHandlers, .max_pollers = 1});
  for (int round = 0; round < 3; ++round) {
    Event begun;
    Event open;
    std::vector<FakeHandler*> handlers;
    for (int i = 0; i < kHandlers; ++i) {
      handlers.push_back(&Put([&] {
        begun.Happen();
        EXPECT_TRUE(open.Await());
      }));
    }
    EXPECT_TRUE(begun.Await(kHandlers));
    open.Happen();
    for (FakeHandler* handler : handlers) EXPECT_TRUE(handler->ran.Await());
  }
}

// The pool's threads that exist, by their name.
int Threads() {
  int threads = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::ifstream(task.path() / "comm") >> name;
    threads += name == "udsrpc-grpc";
  }
  return threads;
}

TEST_F(GrpcPollerPoolTest, LetsGoOfThreadsThatHaveLongHadNothingToDo) {
  StartPool({.max_handlers = 20, .max_pollers = 1, .idle = absl::Milliseconds(10)});
  Event begun;
  Event open;
  for (int i = 0; i < 20; ++i) {
    Put([&] {
      begun.Happen();
      EXPECT_TRUE(open.Await());
    });
  }
  EXPECT_TRUE(begun.Await(20));
  EXPECT_GE(Threads(), 20);
  open.Happen();
  for (const auto& handler : handlers_) EXPECT_TRUE(handler->ran.Await());
  // One polls, and one stands by.
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  while (Threads() > 2 && absl::Now() < give_up) std::this_thread::yield();
  EXPECT_LE(Threads(), 2);
  EXPECT_TRUE(Put([] {}).ran.Await());
}

TEST_F(GrpcPollerPoolTest, HasTheOthersWaitAtTheLimitAndPollsOn) {
  StartPool({.max_handlers = 2, .max_pollers = 1, .backlog = 1});
  Event open;
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  for (int i = 0; i < 6; ++i) {
    Put([&] {
      const int now = ++running;
      testing::RaiseTo(most, now);
      EXPECT_TRUE(open.Await());
      --running;
    });
  }
  EXPECT_TRUE(source_.taken.Await(6));
  // The last one taken is queued just after; the first of those to end runs it.
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  while (!pool_->Backlogged() && absl::Now() < give_up) std::this_thread::yield();
  EXPECT_TRUE(pool_->Backlogged());
  open.Happen();
  for (const auto& handler : handlers_) EXPECT_TRUE(handler->ran.Await());
  EXPECT_EQ(most, 2);
  EXPECT_FALSE(pool_->Backlogged());
}

TEST_F(GrpcPollerPoolTest, GivesBackTheHandlersThatWait) {
  StartPool({.max_handlers = 1, .max_pollers = 1});
  Event open;
  Event begun;
  FakeHandler& running = Put([&] {
    begun.Happen();
    EXPECT_TRUE(open.Await());
  });
  EXPECT_TRUE(begun.Await());
  FakeHandler& waiting = Put([] { ADD_FAILURE() << "ran although it was taken back"; });
  std::vector<GrpcPollerPool::Handler*> taken;
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  while (taken.empty() && absl::Now() < give_up) taken = pool_->TakeWaiting();
  EXPECT_THAT(taken, ElementsAre(&waiting));
  EXPECT_FALSE(pool_->Backlogged());
  open.Happen();
  EXPECT_TRUE(running.ran.Await());
}

TEST_F(GrpcPollerPoolTest, LearnsWhichHandlersTakeLong) {
  StartPool({.max_handlers = 4, .max_pollers = 1});
  FakeHandler slow([] {
    const absl::Time end = absl::Now() + absl::Milliseconds(2);
    while (absl::Now() < end) continue;
  });
  for (int i = 1; i <= 20; ++i) {
    source_.Put(&slow);
    ASSERT_TRUE(slow.ran.Await(i));
  }
  source_.End();
  pool_->Join();
  EXPECT_TRUE(slow.usual_time().IsLong());
  slow.usual_time().SetNeverBlocks();
  EXPECT_FALSE(slow.usual_time().IsLong());
}

TEST_F(GrpcPollerPoolTest, HasMoreThreadsPollUnderLoad) {
  // Any load is enough, whatever else the machine does.
  StartPool({.max_handlers = 4, .max_pollers = 2, .busy = 0});
  internal::Mutex mutex;
  std::set<std::thread::id> threads;
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  for (bool both = false; !both && absl::Now() < give_up;) {
    FakeHandler& handler = Put([&] {
      internal::MutexLock lock(mutex);
      threads.insert(std::this_thread::get_id());
    });
    ASSERT_TRUE(handler.ran.Await());
    internal::MutexLock lock(mutex);
    both = threads.size() == 2;
  }
  internal::MutexLock lock(mutex);
  EXPECT_THAT(threads, SizeIs(2));
}

TEST_F(GrpcPollerPoolTest, NeedsOneThreadForHandlersThatDoNotBlock) {
  StartPool({.max_handlers = 4, .max_pollers = 1});
  internal::Mutex mutex;
  std::vector<std::thread::id> threads;
  for (int i = 0; i < 1000; ++i) {
    FakeHandler& handler = Put([&] {
      internal::MutexLock lock(mutex);
      threads.push_back(std::this_thread::get_id());
    });
    ASSERT_TRUE(handler.ran.Await());
  }
  internal::MutexLock lock(mutex);
  // All on the first, but for the times when the system held a thread up for a millisecond and another took over.
  size_t changes = 0;
  for (size_t i = 1; i < threads.size(); ++i) changes += threads[i] != threads[i - 1];
  EXPECT_LT(changes, 100u);
}

}  // namespace
}  // namespace udsrpc::testing

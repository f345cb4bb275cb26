#include "client/src/start_queue.h"

#include <cerrno>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/event.h"

namespace udsrpc {
namespace {

using testing::Event;

class TestEntry final : public StartQueue::Entry {
 public:
  // Blocks until it has been told. What.
  absl::StatusCode Await() {
    EXPECT_TRUE(told_.Await());
    return status_.code();
  }
  int times_told() const { return told_.times(); }

 private:
  void OnStart(absl::Status status) override {
    status_ = std::move(status);
    told_.Happen();
  }

  Event told_;
  absl::Status status_;
};

StartQueue::Attempt NobodyIsThere() {
  return {.code = absl::StatusCode::kUnavailable, .message = "nobody", .error = ENOENT};
}

TEST(StartQueueTest, TellsHowTheAttemptEnded) {
  StartQueue connects("endpoint", [] { return StartQueue::Attempt(); });
  StartQueue fails("endpoint", NobodyIsThere);
  TestEntry of_connects;
  TestEntry of_fails;
  connects.Add(of_connects, Deadline(), /*wait_for_ready=*/false);
  fails.Add(of_fails, Deadline(), /*wait_for_ready=*/false);
  EXPECT_EQ(of_connects.Await(), absl::StatusCode::kOk);
  EXPECT_EQ(of_fails.Await(), absl::StatusCode::kUnavailable);
}

TEST(StartQueueTest, IsIdleAndRemovesNothingBeforeTheFirstEntry) {
  StartQueue queue("endpoint", NobodyIsThere);
  EXPECT_TRUE(queue.idle());
  TestEntry entry;
  queue.Remove(entry);
  EXPECT_EQ(entry.times_told(), 0);
}

TEST(StartQueueTest, AnEntryThatWaitsIsTold) {
  StartQueue queue("endpoint", NobodyIsThere);
  TestEntry entry;
  queue.Add(entry, Deadline(), /*wait_for_ready=*/true);
  EXPECT_FALSE(queue.idle());
  queue.Cancel(entry);
  EXPECT_EQ(entry.Await(), absl::StatusCode::kCancelled);
}

// A call may be cancelled while it is being made.
TEST(StartQueueTest, AnEntryThatWasCancelledBeforeItWasAddedIsTold) {
  StartQueue queue("endpoint", NobodyIsThere);
  TestEntry entry;
  queue.Cancel(entry);
  EXPECT_EQ(entry.times_told(), 0);
  queue.Add(entry, Deadline(), /*wait_for_ready=*/true);
  EXPECT_EQ(entry.Await(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace udsrpc

#include "tests/hostile/bystander.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/support/event.h"
#include "udsrpc/channel.h"

namespace udsrpc::testing {
namespace {

// Between two calls, so that they cost next to nothing beside the attack.
constexpr absl::Duration kPace = absl::Milliseconds(5);
// One call in so many is made on a new connection.
constexpr int kCallsAConnection = 8;
constexpr absl::Duration kCallsPatience = absl::Seconds(60);

}  // namespace

Bystander::Bystander(std::string target)
    : target_(std::move(target)), stubs_{NewStub(Transport::kSeqpacket), NewStub(Transport::kGrpc)} {
  for (const TestStub& stub : stubs_) CallOnce(stub, "before the attack");
}

Bystander::~Bystander() {
  if (thread_.joinable()) Stop(0);
}

TestStub Bystander::NewStub(Transport transport) const {
  return TestStub(*CreateChannel(target_, {.transport = transport}));
}

void Bystander::Start() {
  {
    internal::MutexLock lock(mutex_);
    stopping_ = false;
    latencies_.clear();
  }
  thread_ = std::thread([this] { Run(); });
}

void Bystander::Stop(int calls) {
  {
    internal::MutexLock lock(mutex_);
    const absl::Time give_up = absl::Now() + kCallsPatience;
    while (latencies_.size() < static_cast<size_t>(calls) && !changed_.WaitWithDeadline(mutex_, give_up)) continue;
    EXPECT_GE(latencies_.size(), static_cast<size_t>(calls)) << "the bystander is not served";
    stopping_ = true;
    changed_.SignalAll();
  }
  thread_.join();
}

void Bystander::Run() {
  for (int call = 0;; ++call) {
    const size_t transport = static_cast<size_t>(call) % stubs_.size();
    if (call / 2 % kCallsAConnection == kCallsAConnection - 1) {
      CallOnce(NewStub(transport == 0 ? Transport::kSeqpacket : Transport::kGrpc), "on a new connection");
    } else {
      CallOnce(stubs_[transport], "on its old connection");
    }
    internal::MutexLock lock(mutex_);
    changed_.SignalAll();
    if (stopping_) return;
    changed_.WaitWithTimeout(mutex_, kPace);
    if (stopping_) return;
  }
}

void Bystander::CallOnce(const TestStub& stub, const char* how) {
  ClientContext context;
  context.set_timeout(kCallsPatience);
  // Where the backlog is full gRPC's own clients do not wait for room.
  context.set_wait_for_ready(true);
  EchoRequest request;
  EchoReply reply;
  request.set_text("bystander");
  const absl::Time start = absl::Now();
  const absl::Status status = stub.Echo(context, request, reply);
  EXPECT_TRUE(status.ok()) << how << ": " << status;
  EXPECT_EQ(reply.text(), status.ok() ? "bystander" : "");
  internal::MutexLock lock(mutex_);
  latencies_.push_back(absl::Now() - start);
}

Bystander::Seen Bystander::seen() const {
  internal::MutexLock lock(mutex_);
  std::vector<absl::Duration> sorted = latencies_;
  if (sorted.empty()) return {};
  std::sort(sorted.begin(), sorted.end());
  return {.calls = static_cast<int>(sorted.size()), .median = sorted[sorted.size() / 2], .longest = sorted.back()};
}

}  // namespace udsrpc::testing

// The same with coroutines on both sides: a thousand at once on one connection, on a handful of threads. Beside what
// streams_stress_test.cc does, reads are given up for a moment's sleep and taken up again.

#include <unistd.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/integration/combinations.h"
#include "tests/stress/call_tally.h"
#include "tests/support/coroutine_service.h"
#include "udsrpc/async_client.h"
#include "udsrpc/spawn.h"
#include "udsrpc/wait.h"
#include "udsrpc/when.h"

namespace udsrpc::testing {
namespace {

constexpr int kCoroutines = 1000;

// Calls of every kind, one after the other, that end in every way.
class CoroutineWorker {
 public:
  explicit CoroutineWorker(const TestStub& stub) : stub_(stub) {}

  Task<> CallUntil(absl::Time end) {
    do {
      ClientContext context;
      hurried_ = Chance(0.2);
      context.set_timeout(hurried_ ? absl::Microseconds(absl::Uniform(random_, 0, 20000)) : kStressPatience);
      switch (absl::Uniform(random_, 0, 5)) {
        case 0:
          co_await Chat(context);
          break;
        case 1:
          co_await Count(context);
          break;
        case 2:
          co_await Collect(context);
          break;
        case 3:
          co_await GiveUp(context);
          break;
        default:
          co_await Inflate(context);
      }
      ++calls;
    } while (absl::Now() < end);
  }

  int64_t calls = 0;
  int64_t ok = 0;

 private:
  bool Chance(double share) { return absl::Bernoulli(random_, share); }
  size_t Size() {
    return Chance(0.02) ? absl::Uniform<size_t>(random_, 0, 200000) : absl::Uniform<size_t>(random_, 0, 2000);
  }

  void Ended(const absl::Status& status) {
    EXPECT_TRUE(MayEndSo(status, hurried_)) << status;
    if (status.ok()) ++ok;
  }

  Task<> Inflate(ClientContext& context) {
    InflateRequest request;
    request.set_bytes(Size());
    const absl::StatusOr<EchoReply> reply = co_await stub_.Async().Inflate(context, request);
    if (reply.ok()) {
      EXPECT_EQ(reply->text().size(), request.bytes());
    }
    Ended(reply.status());
  }

  Task<> Chat(ClientContext& context) {
    auto chat = stub_.Async().Chat(context);
    EchoRequest request;
    for (int i = absl::Uniform(random_, 0, 10); i > 0; --i) {
      request.set_text(Chance(0.02) ? "abort" : absl::StrCat(i, std::string(Size(), 'c')));
      if (!co_await chat.Write(request)) break;
      const std::optional<EchoReply> reply = co_await chat.Read();
      if (!reply) break;
      EXPECT_EQ(reply->text(), request.text());
    }
    if (Chance(0.1)) co_return;  // destroyed
    if (Chance(0.1)) context.Cancel();
    co_await chat.WritesDone();
    Ended(co_await chat.Finish());
  }

  Task<> Count(ClientContext& context) {
    InflateRequest request;
    request.set_messages(absl::Uniform<uint64_t>(random_, 0, 50));
    request.set_bytes(Size());
    auto reader = stub_.Async().Count(context, request);
    uint64_t read = 0;
    const uint64_t most = Chance(0.2) ? request.messages() / 2 : request.messages() + 1;
    while (read < most) {
      const std::optional<EchoReply> reply = co_await reader.Read();
      if (!reply) break;
      EXPECT_EQ(reply->text().size(), request.bytes());
      ++read;
    }
    if (Chance(0.1)) co_return;
    const absl::Status status = co_await reader.Finish();
    if (status.ok() && most > request.messages()) {
      EXPECT_EQ(read, request.messages());
    }
    Ended(status);
  }

  Task<> Collect(ClientContext& context) {
    auto writer = stub_.Async().Collect(context);
    EchoRequest request;
    uint64_t bytes = 0;
    for (int i = absl::Uniform(random_, 0, 20); i > 0; --i) {
      request.set_text(std::string(Size(), 'w'));
      if (!co_await writer.Write(request)) break;
      bytes += request.text().size();
    }
    if (Chance(0.1)) co_return;
    const absl::StatusOr<CollectReply> reply = co_await writer.Finish();
    if (reply.ok()) {
      EXPECT_EQ(reply->bytes(), bytes);
    }
    Ended(reply.status());
  }

  // A call that never ends by itself, beside a sleep that does: the call is cancelled.
  Task<> GiveUp(ClientContext& context) {
    BlockRequest request;
    request.set_gate(Chance(0.5) ? "cancelled" : "asleep");
    std::vector<Task<absl::Status>> both;
    both.push_back(Block(context, request));
    both.push_back(Expire(absl::Microseconds(absl::Uniform(random_, 0, 5000))));
    const Finished<absl::Status> first = co_await WhenAny(std::move(both));
    if (first.index == 0) Ended(first.value);
  }
  Task<absl::Status> Block(ClientContext& context, const BlockRequest& request) {
    const absl::StatusOr<EchoReply> reply = co_await stub_.Async().Block(context, request);
    co_return reply.status();
  }
  static Task<absl::Status> Expire(absl::Duration after) {
    co_await Sleep(after);
    co_return absl::OkStatus();
  }

  const TestStub& stub_;
  bool hurried_ = false;
  absl::BitGen random_;
};

class CoroutineStressTest : public CombinationTest {
 protected:
  int64_t RunFor(const TestStub& stub, absl::Duration length) {
    std::vector<std::unique_ptr<CoroutineWorker>> workers;
    std::vector<Task<>> tasks;
    for (int i = 0; i < kCoroutines; ++i) {
      workers.push_back(std::make_unique<CoroutineWorker>(stub));
      tasks.push_back(workers.back()->CallUntil(absl::Now() + length));
    }
    SyncWait(WhenAll(std::move(tasks)));
    int64_t calls = 0;
    int64_t ok = 0;
    for (const auto& worker : workers) {
      calls += worker->calls;
      ok += worker->ok;
    }
    EXPECT_GT(ok, calls / 4) << "most of them are to succeed";
    return calls;
  }

  CoroutineService coroutines_;
};

TEST_P(CoroutineStressTest, EndsEveryCallOnceAndLeavesNothing) {
  const bool grpc = GetParam().transport == Transport::kGrpc;
  const int descriptors = OpenDescriptors();
  CallTally tally;
  ServerBuilder builder(ServerOptions{.interceptors = {tally.Factory()}});
  builder.AddEndpoint(target_, {.grpc = grpc, .seqpacket = !grpc}).RegisterService(&coroutines_);
  absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  {
    const TestStub stub(MakeChannel());
    const int64_t warm_up = RunFor(stub, StressLength() / 4);
    const int64_t before = BytesInUse();
    const int64_t calls = RunFor(stub, StressLength());
    const int64_t grown = BytesInUse() - before;
    RecordProperty("calls", absl::StrCat(warm_up + calls));
    RecordProperty("bytes_grown", absl::StrCat(grown));
    EXPECT_LT(grown, grpc ? 16 << 20 : 1 << 20) << "after " << calls << " calls";
    ExpectFullSpeed(stub);
  }
  server_->Shutdown(absl::Now() + absl::Seconds(20));
  EXPECT_EQ(tally.begun, tally.ended);
  EXPECT_EQ(coroutines_.alive, 0);
  server_.reset();
  EXPECT_LE(OpenDescriptors(), descriptors + (grpc ? 10 : 0));
}

INSTANTIATE_TEST_SUITE_P(All, CoroutineStressTest,
                         ::testing::Values(Combination{Transport::kSeqpacket, false},
                                           Combination{Transport::kGrpc, false}),
                         CombinationName);

}  // namespace
}  // namespace udsrpc::testing

// A thousand streams at once on one connection, which read, write, cancel, half-close, run into deadlines and are
// destroyed at random, for UDSRPC_STRESS_SECONDS (1). Each ends with exactly one status, its answers are its own and in
// order, every handler that began has ended, no descriptor is left, and the connection carries as much as before.

#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/combinations.h"
#include "tests/stress/call_tally.h"

namespace udsrpc::testing {
namespace {

constexpr int kStreams = 1000;

// One after the other, calls of every kind that end in every way.
class Worker {
 public:
  explicit Worker(const TestStub& stub) : stub_(stub) {}

  void CallOnce() {
    ClientContext context;
    hurried_ = Chance(0.2);
    context.set_timeout(hurried_ ? absl::Microseconds(absl::Uniform(random_, 0, 20000)) : kStressPatience);
    std::thread canceller;
    if (Chance(0.02)) canceller = std::thread([&context] { context.Cancel(); });
    switch (absl::Uniform(random_, 0, 4)) {
      case 0:
        Chat(context);
        break;
      case 1:
        Count(context);
        break;
      case 2:
        Collect(context);
        break;
      default:
        Echo(context);
    }
    if (canceller.joinable()) canceller.join();
    ++calls;
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

  void Echo(ClientContext& context) {
    EchoRequest request;
    EchoReply reply;
    request.set_text(std::string(Size(), 'e'));
    const absl::Status status = stub_.Echo(context, request, reply);
    if (status.ok()) {
      EXPECT_EQ(reply.text(), request.text());
    }
    Ended(status);
  }

  void Chat(ClientContext& context) {
    auto chat = stub_.Chat(context);
    EchoRequest request;
    EchoReply reply;
    for (int i = absl::Uniform(random_, 0, 10); i > 0; --i) {
      request.set_text(Chance(0.02) ? "abort" : absl::StrCat(i, std::string(Size(), 'c')));
      if (!chat.Write(request)) break;
      if (!chat.Read(reply)) break;
      EXPECT_EQ(reply.text(), request.text());
    }
    if (Chance(0.1)) return;  // destroyed
    if (Chance(0.1)) context.Cancel();
    chat.WritesDone();
    Ended(chat.Finish());
  }

  void Count(ClientContext& context) {
    InflateRequest request;
    request.set_messages(absl::Uniform<uint64_t>(random_, 0, 50));
    request.set_bytes(Size());
    auto reader = stub_.Count(context, request);
    EchoReply reply;
    uint64_t read = 0;
    const uint64_t most = Chance(0.2) ? request.messages() / 2 : request.messages() + 1;
    while (read < most && reader.Read(reply)) {
      EXPECT_EQ(reply.text().size(), request.bytes());
      ++read;
    }
    if (Chance(0.1)) return;
    const absl::Status status = reader.Finish();
    if (status.ok() && most > request.messages()) {
      EXPECT_EQ(read, request.messages());
    }
    Ended(status);
  }

  void Collect(ClientContext& context) {
    CollectReply reply;
    auto writer = stub_.Collect(context, reply);
    EchoRequest request;
    uint64_t bytes = 0;
    for (int i = absl::Uniform(random_, 0, 20); i > 0; --i) {
      request.set_text(std::string(Size(), 'w'));
      if (!writer.Write(request)) break;
      bytes += request.text().size();
    }
    if (Chance(0.1)) return;
    const absl::Status status = writer.Finish();
    if (status.ok()) {
      EXPECT_EQ(reply.bytes(), bytes);
    }
    Ended(status);
  }

  const TestStub& stub_;
  bool hurried_ = false;
  absl::BitGen random_;
};

class StreamsStressTest : public CombinationTest {
 protected:
  void Start(const ServerOptions& options) {
    const bool grpc = GetParam().transport == Transport::kGrpc;
    ServerBuilder builder(options);
    builder.AddEndpoint(target_, {.grpc = grpc, .seqpacket = !grpc}).RegisterService(&service_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  // Returns the calls made.
  int64_t RunFor(const TestStub& stub, absl::Duration length) {
    const absl::Time end = absl::Now() + length;
    std::atomic<int64_t> calls{0};
    std::atomic<int64_t> ok{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < kStreams; ++i) {
      threads.emplace_back([&] {
        Worker worker(stub);
        while (absl::Now() < end) worker.CallOnce();
        calls += worker.calls;
        ok += worker.ok;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_GT(ok, calls / 4) << "most of them are to succeed";
    return calls;
  }
};

TEST_P(StreamsStressTest, EndsEveryCallOnceAndLeavesNothing) {
  const int descriptors = OpenDescriptors();
  CallTally tally;
  Start({.max_handler_threads = 2 * kStreams, .interceptors = {tally.Factory()}});
  {
    const TestStub stub(MakeChannel());
    ExpectFullSpeed(stub);
    const int64_t warm_up = RunFor(stub, StressLength() / 4);
    const int64_t before = BytesInUse();
    const int64_t calls = RunFor(stub, StressLength());
    ExpectFullSpeed(stub);
    const int64_t grown = BytesInUse() - before;
    RecordProperty("calls", absl::StrCat(warm_up + calls));
    RecordProperty("bytes_grown", absl::StrCat(grown));
    // gRPC keeps some for the next calls.
    EXPECT_LT(grown, GetParam().transport == Transport::kGrpc ? 16 << 20 : 1 << 20) << "after " << calls << " calls";
  }
  server_->Shutdown(absl::Now() + absl::Seconds(20));
  EXPECT_EQ(tally.begun, tally.ended);
  server_.reset();
  // gRPC keeps a few of its own for the life of the process.
  EXPECT_LE(OpenDescriptors(), descriptors + (GetParam().transport == Transport::kGrpc ? 10 : 0));
}

INSTANTIATE_TEST_SUITE_P(All, StreamsStressTest,
                         ::testing::Values(Combination{Transport::kSeqpacket, false},
                                           Combination{Transport::kGrpc, false}),
                         CombinationName);

}  // namespace
}  // namespace udsrpc::testing

// What threads keep in malloc's caches for their next allocations counts as in use, and two thousand threads keep much.
int main(int argc, char** argv) {
  if (getenv("GLIBC_TUNABLES") == nullptr) {
    setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
    execv("/proc/self/exe", argv);
  }
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}

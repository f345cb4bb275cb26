// Messages of 64 MiB and 1 GiB, and small calls beside them on the same connection.

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/integration/combinations.h"

namespace udsrpc::testing {
namespace {

constexpr absl::Duration kLongPatience = absl::Seconds(100);

class LongMessageCallTest : public CombinationTest {
 protected:
  void SetUp() override {
    StartServer({.max_receive_message_bytes = INT32_MAX});
    stub_ = std::make_unique<TestStub>(MakeChannel({.max_receive_message_bytes = INT32_MAX}));
  }

  // Both ways.
  void ExpectEchoOf(size_t bytes) {
    ClientContext context;
    context.set_timeout(kLongPatience);
    EchoRequest request;
    EchoReply reply;
    request.set_text(std::string(bytes, 'l'));
    const absl::Time start = absl::Now();
    const absl::Status status = stub_->Echo(context, request, reply);
    RecordProperty("milliseconds", absl::ToInt64Milliseconds(absl::Now() - start));
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(reply.text().size(), bytes);
    EXPECT_TRUE(reply.text() == request.text());
  }

  // While that goes on.
  void ExpectSmallCallsBeside(size_t bytes) {
    std::atomic<bool> done{false};
    std::vector<absl::Duration> beside;
    std::thread small([&] {
      while (!done) {
        const absl::Time start = absl::Now();
        ExpectEcho(*stub_, "beside it");
        beside.push_back(absl::Now() - start);
      }
    });
    ExpectEchoOf(bytes);
    done = true;
    small.join();
    std::sort(beside.begin(), beside.end());
    RecordProperty("calls_beside", static_cast<int>(beside.size()));
    RecordProperty("median_microseconds_beside", absl::ToInt64Microseconds(beside[beside.size() / 2]));
    RecordProperty("p99_microseconds_beside", absl::ToInt64Microseconds(beside[beside.size() * 99 / 100]));
    EXPECT_GT(beside.size(), 20U) << "they are to go between its fragments";
  }

  std::unique_ptr<TestStub> stub_;
};

TEST_P(LongMessageCallTest, Of64MiBTravelsBothWays) { ExpectEchoOf(size_t{64} << 20); }

TEST_P(LongMessageCallTest, Of64MiBLetsSmallCallsThrough) { ExpectSmallCallsBeside(size_t{64} << 20); }

#ifndef UDSRPC_SANITIZED
TEST_P(LongMessageCallTest, OfOneGiBTravelsBothWays) { ExpectEchoOf(size_t{1} << 30); }
#endif

#ifndef UDSRPC_SANITIZED
// Longer than Protobuf can serialize.
constexpr size_t kTooLong = (size_t{1} << 31) + 1;

class TooLongMessageTest : public CombinationTest {};

TEST_P(TooLongMessageTest, EndsTheCallOfWhoeverSendsIt) {
  StartServer();
  const TestStub stub(MakeChannel());
  EchoRequest request;
  EchoReply reply;
  request.set_text(std::string(kTooLong, 'l'));
  {
    ClientContext context;
    context.set_timeout(kLongPatience);
    EXPECT_EQ(stub.Echo(context, request, reply).code(), absl::StatusCode::kInternal);
  }
  {
    ClientContext context;
    context.set_timeout(kLongPatience);
    auto stream = stub.Chat(context);
    EXPECT_FALSE(stream.Write(request));
    EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kInternal);
  }
  request.Clear();
  InflateRequest inflate;
  inflate.set_bytes(kTooLong);
  inflate.set_messages(1);
  {
    ClientContext context;
    context.set_timeout(kLongPatience);
    EXPECT_EQ(stub.Inflate(context, inflate, reply).code(), absl::StatusCode::kInternal);
  }
  {
    ClientContext context;
    context.set_timeout(kLongPatience);
    auto stream = stub.Count(context, inflate);
    EXPECT_FALSE(stream.Read(reply));
    EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kInternal);
  }
  ExpectEcho(stub, "others are served");
}

INSTANTIATE_TEST_SUITE_P(All, TooLongMessageTest, AllCombinations(), CombinationName);
#endif

INSTANTIATE_TEST_SUITE_P(All, LongMessageCallTest, ::testing::Values(Combination{Transport::kSeqpacket, false}),
                         CombinationName);

}  // namespace
}  // namespace udsrpc::testing

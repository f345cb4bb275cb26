// How connections come, go and come again, the same in all four combinations.

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "tests/integration/combinations.h"

namespace udsrpc::testing {
namespace {

using ::testing::HasSubstr;

using ConnectionTest = CombinationTest;
INSTANTIATE_TEST_SUITE_P(All, ConnectionTest, AllCombinations(), CombinationName);

TEST_P(ConnectionTest, ToNobodyIsUnavailableAndNamesTheEndpoint) {
  const TestStub stub(MakeChannel());
  const absl::Status status = TryEcho(stub);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(target_));
  EXPECT_THAT(std::string(status.message()), HasSubstr("is the server running"));
}

TEST_P(ConnectionTest, IsMadeByTheNextCallOnceTheServerIsThere) {
  const TestStub stub(MakeChannel());
  EXPECT_EQ(TryEcho(stub).code(), absl::StatusCode::kUnavailable);
  StartServer();
  EXPECT_TRUE(AnsweredWithin(stub, absl::Seconds(20)));
}

TEST_P(ConnectionTest, ThatACallEndedTooEarlyForIsNoFailureOfTheNextCall) {
  for (int i = 0; i < 60; ++i) {
    SCOPED_TRACE(i);
    const TestStub stub(MakeChannel());
    ClientContext hurried;
    hurried.set_timeout(absl::Microseconds(5 * i));  // of which many end while the channel connects
    EchoReply reply;
    EXPECT_FALSE(stub.Echo(hurried, EchoRequest(), reply).ok());
    StartServer();
    const absl::Status status = TryEcho(stub);
    EXPECT_TRUE(status.ok()) << status;
    server_.reset();
  }
}

TEST_P(ConnectionTest, IsMadeAgainAfterTheServerRestarted) {
  const TestStub stub(MakeChannel());
  for (int i = 0; i < 3; ++i) {
    StartServer();
    EXPECT_TRUE(AnsweredWithin(stub, absl::Seconds(20)));
    server_.reset();
    EXPECT_EQ(TryEcho(stub).code(), absl::StatusCode::kUnavailable);
  }
}

TEST_P(ConnectionTest, LosesNoCallWhenAnIdleServerIsReplaced) {
  StartServer();
  const TestStub stub(MakeChannel());
  EXPECT_TRUE(TryEcho(stub).ok());
  server_.reset();
  StartServer();
  if (GetParam().transport == Transport::kGrpc) {
    // gRPC fails a call whose HEADERS it wrote to a connection that had been closed.
    EXPECT_TRUE(AnsweredWithin(stub, absl::Seconds(20)));
  } else {
    const absl::Status status = TryEcho(stub);
    EXPECT_TRUE(status.ok()) << status;
  }
}

TEST_P(ConnectionTest, ShutdownLetsRunningCallsEnd) {
  StartServer();
  const TestStub stub(MakeChannel());
  std::thread caller([&stub] {
    ClientContext context;
    BlockRequest request;
    EchoReply reply;
    request.set_gate("running");
    const absl::Status status = stub.Block(context, request, reply);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(reply.text(), "running");
  });
  EXPECT_TRUE(service_.AwaitArrivals("running", 1));
  std::thread shutdown([this] { server_->Shutdown(absl::Now() + absl::Seconds(60)); });
  std::thread waiter([this] { server_->Wait(); });
  // New calls are refused from some moment on, while the running one goes on.
  const absl::Time give_up = absl::Now() + absl::Seconds(20);
  absl::Status refused;
  do {
    refused = TryEcho(stub);
  } while (refused.ok() && absl::Now() < give_up);
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable) << refused;
  service_.Open("running");
  caller.join();
  shutdown.join();
  waiter.join();
}

TEST_P(ConnectionTest, ShutdownCancelsWhatRunsAtItsDeadline) {
  StartServer();
  const TestStub stub(MakeChannel());
  absl::Status status;
  std::thread caller([&] {
    ClientContext context;
    BlockRequest request;
    EchoReply reply;
    request.set_gate("stuck");
    status = stub.Block(context, request, reply);
  });
  EXPECT_TRUE(service_.AwaitArrivals("stuck", 1));
  server_->Shutdown(absl::Now() + absl::Milliseconds(20));
  EXPECT_TRUE(service_.AwaitCancelled("stuck", 1));
  caller.join();
  EXPECT_TRUE(status.code() == absl::StatusCode::kUnavailable || status.code() == absl::StatusCode::kCancelled)
      << status;
}

TEST_P(ConnectionTest, OfADeadClientCancelsItsCalls) {
  StartServer();
  {
    const TestStub stub(MakeChannel());
    ClientContext context;
    context.set_timeout(absl::Milliseconds(500));  // in which the handler begins, on a busy machine too
    BlockRequest request;
    EchoReply reply;
    request.set_gate("orphan");
    EXPECT_EQ(stub.Block(context, request, reply).code(), absl::StatusCode::kDeadlineExceeded);
  }
  EXPECT_TRUE(service_.AwaitCancelled("orphan", 1));
  ExpectEcho(TestStub(MakeChannel()), "still well");
}

TEST_P(ConnectionTest, ManyChannelsAtOnce) {
  StartServer();
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([this, i] {
      const TestStub stub(MakeChannel());
      for (int j = 0; j < 20; ++j) ExpectEcho(stub, absl::StrCat(i, ".", j));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(ConnectionTest, CallsDuringShutdownEndWithOneStatusEach) {
  for (int round = 0; round < 5; ++round) {
    StartServer();
    const TestStub stub(MakeChannel());
    std::atomic<bool> stop{false};
    std::vector<std::thread> callers;
    for (int i = 0; i < 4; ++i) {
      callers.emplace_back([&] {
        while (!stop) {
          const absl::Status status = TryEcho(stub);
          EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kUnavailable) << status;
        }
      });
    }
    while (service_.echoes() < (round + 1) * 50) std::this_thread::yield();
    server_->Shutdown(absl::Now() + absl::Seconds(20));
    stop = true;
    for (std::thread& caller : callers) caller.join();
    server_.reset();
  }
}

// What only seqpacket promises: gRPC may fail a call that meets the end of its connection.
using SeqpacketConnectionTest = CombinationTest;
INSTANTIATE_TEST_SUITE_P(All, SeqpacketConnectionTest,
                         ::testing::Values(Combination{Transport::kSeqpacket, false},
                                           Combination{Transport::kSeqpacket, true}),
                         CombinationName);

TEST_P(SeqpacketConnectionTest, OrderlyRestartsLoseNoCallAndRunNoneTwice) {
  StartServer();
  const TestStub stub(MakeChannel());
  std::atomic<bool> stop{false};
  std::atomic<int> answered{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (!stop) {
        const absl::Status status = TryEcho(stub);
        if (status.ok()) {
          ++answered;
        } else {
          // Between two servers nobody listens; that is all that a caller may notice.
          EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
          EXPECT_THAT(std::string(status.message()), HasSubstr("cannot connect"));
        }
      }
    });
  }
  for (int restarts = 0; restarts < 20; ++restarts) {
    const int before = answered;
    while (answered < before + 20) std::this_thread::yield();
    server_->Shutdown(absl::Now() + absl::Seconds(20));
    server_.reset();
    StartServer();
  }
  stop = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(service_.echoes(), answered);
}

}  // namespace
}  // namespace udsrpc::testing

// When connections begin and end: waiting for a server, keepalive, idleness.

#include <memory>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/integration/combinations.h"
#include "tests/support/event.h"

namespace udsrpc::testing {
namespace {

class ConnectionLifeTest : public CombinationTest {
 protected:
  // A call that is under way for `time` ends OK.
  void ExpectCallLasts(const TestStub& stub, absl::Duration time) {
    absl::Status status;
    std::thread caller([&] {
      ClientContext context;
      context.set_timeout(kPatience);
      BlockRequest request;
      request.set_gate("gate");
      EchoReply reply;
      status = stub.Block(context, request, reply);
    });
    EXPECT_TRUE(service_.AwaitArrivals("gate", 1));
    absl::SleepFor(time);
    service_.Open("gate");
    caller.join();
    EXPECT_EQ(status, absl::OkStatus());
  }
};

TEST_P(ConnectionLifeTest, ACallThatWaitsForReadyIsServedOnceThereIsAServer) {
  const TestStub stub(MakeChannel());
  EXPECT_EQ(TryEcho(stub).code(), absl::StatusCode::kUnavailable);
  absl::Status unary;
  absl::Status streaming;
  std::thread unary_caller([&] {
    ClientContext context;
    context.set_wait_for_ready(true);
    context.set_timeout(kPatience);
    EchoReply reply;
    unary = stub.Echo(context, EchoRequest(), reply);
  });
  std::thread streaming_caller([&] {
    ClientContext context;
    context.set_wait_for_ready(true);
    context.set_timeout(kPatience);
    streaming = stub.Count(context, InflateRequest()).Finish();
  });
  StartServer();
  unary_caller.join();
  streaming_caller.join();
  EXPECT_EQ(unary, absl::OkStatus());
  EXPECT_EQ(streaming, absl::OkStatus());
}

TEST_P(ConnectionLifeTest, WaitingForReadyEndsAtTheDeadlineAndWithCancel) {
  const TestStub stub(MakeChannel());
  ClientContext context;
  context.set_wait_for_ready(true);
  context.set_timeout(absl::Milliseconds(30));
  EchoReply reply;
  EXPECT_EQ(stub.Echo(context, EchoRequest(), reply).code(), absl::StatusCode::kDeadlineExceeded);
  ClientContext cancelled;
  cancelled.set_wait_for_ready(true);
  std::thread canceller([&cancelled] { cancelled.Cancel(); });
  EXPECT_EQ(stub.Echo(cancelled, EchoRequest(), reply).code(), absl::StatusCode::kCancelled);
  canceller.join();
}

TEST_P(ConnectionLifeTest, AnIdleConnectionIsClosedAndTheNextCallMakesAnother) {
  StartServer({.max_connection_idle = absl::Milliseconds(20)});
  const TestStub stub(MakeChannel());
  for (int i = 0; i < 3; ++i) {
    ExpectEcho(stub, "again");
    absl::SleepFor(absl::Milliseconds(100));
  }
  if (GetParam().transport == Transport::kGrpc) return;  // see max_connection_idle
  // Some of these are on their way while the server closes.
  for (int i = 0; i < 30; ++i) {
    ExpectEcho(stub, "at the same time");
    absl::SleepFor(absl::Milliseconds(15 + i % 10));
  }
}

TEST_P(ConnectionLifeTest, AConnectionWithACallIsNotIdle) {
  // Over gRPC the first call must come before the connection is idle for so long: see max_connection_idle.
  const absl::Duration idle = absl::Milliseconds(GetParam().transport == Transport::kGrpc ? 1000 : 5);
  StartServer({.max_connection_idle = idle});
  const TestStub stub(MakeChannel());
  ExpectCallLasts(stub, 2 * idle + absl::Milliseconds(50));
}

TEST_P(ConnectionLifeTest, ALivingServerAnswersKeepalive) {
  StartServer();
  const TestStub stub(MakeChannel({.keepalive_time = absl::Milliseconds(20), .keepalive_timeout = absl::Seconds(5)}));
  ExpectCallLasts(stub, absl::Milliseconds(200));
}

INSTANTIATE_TEST_SUITE_P(All, ConnectionLifeTest, AllCombinations(), CombinationName);

}  // namespace
}  // namespace udsrpc::testing

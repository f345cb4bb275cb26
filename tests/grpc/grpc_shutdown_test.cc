// The shutdown of our server transport: what is refused, what may end, what is cancelled, and that it always ends.

#include <grpcpp/generic/generic_stub.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "tests/grpc/grpc_server_fixture.h"
#include "tests/grpc/stock_peers.h"
#include "tests/support/thread_sanitizer.h"

namespace udsrpc::testing {
namespace {

using ::testing::HasSubstr;

class GrpcShutdownTest : public GrpcServerFixture {
 protected:
  // Handlers say that they have arrived and wait for the gate, or for their calls' cancellation.
  GrpcShutdownTest() {
    service_.script = [this](ServerContext& context, const StringValue& request, StringValue& reply) {
      reply = request;
      arrived_.Happen();
      if (request.value() == "gate") return open_.Await() ? absl::OkStatus() : absl::AbortedError("never opened");
      if (request.value() != "cancelled") return absl::OkStatus();
      const absl::Time give_up = absl::Now() + absl::Seconds(30);
      while (!context.IsCancelled() && absl::Now() < give_up) std::this_thread::yield();
      if (context.IsCancelled()) cancelled_.Happen();
      return absl::OkStatus();
    };
  }

  Event arrived_;
  Event open_;
  Event cancelled_;
};

TEST_F(GrpcShutdownTest, OfAnIdleServerDoesNotWaitForItsClients) {
  StartServer();
  const auto idle = OurChannel();
  ExpectEcho(*idle);
  const std::shared_ptr<grpc::Channel> stock = StockChannel();
  ASSERT_TRUE(stock->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(30)));
  // One that says nothing at all.
  int silent[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, silent), 0);
  Adopt(UniqueFd(silent[0]));
  const UniqueFd end(silent[1]);

  const absl::Time start = absl::Now();
  StopServer(absl::InfiniteFuture());
  EXPECT_LT(absl::Now() - start, absl::Seconds(3));
  // It was told, and hung up on.
  char bytes[4096];
  while (read(end.get(), bytes, sizeof(bytes)) > 0) continue;
  EXPECT_EQ(read(end.get(), bytes, sizeof(bytes)), 0);
}

TEST_F(GrpcShutdownTest, OfAServerThatNobodyUsedEnds) {
  StartServer();
  StopServer(absl::InfiniteFuture());
  StartServer();
  StopServer(absl::InfinitePast());
}

TEST_F(GrpcShutdownTest, LetsRunningCallsEnd) {
  StartServer();
  const auto channel = OurChannel();
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([this, &channel] { ExpectEcho(*channel, "gate"); });
  }
  EXPECT_TRUE(arrived_.Await(8));
  std::thread shutdown([this] { StopServer(absl::Now() + absl::Seconds(60)); });
  // From some moment on new calls find nobody, while the running ones go on.
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  absl::Status status;
  do {
    status = Do(*channel, "");
  } while (status.ok() && absl::Now() < give_up);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  open_.Happen();
  for (std::thread& caller : callers) caller.join();
  shutdown.join();
}

// Where clients were sent elsewhere before, gRPC lost some replies.
TEST_F(GrpcShutdownTest, SendsClientsElsewhereAfterTheirReplies) {
  StartServer();
  const std::shared_ptr<grpc::Channel> channel = StockChannel();
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&channel] {
      grpc::ClientContext context;
      std::string reply;
      const grpc::Status status =
          StockClient(channel).Call(context, kDo.path, Value("gate").SerializeAsString(), &reply);
      EXPECT_TRUE(status.ok()) << status.error_message();
      EXPECT_EQ(reply, Value("gate").SerializeAsString());
    });
  }
  EXPECT_TRUE(arrived_.Await(8));
  // Half a second later they are sent elsewhere all the same.
  const absl::Time judged_until = absl::Now() + absl::Milliseconds(400);
  std::thread shutdown([this] { StopServer(absl::Now() + absl::Seconds(60)); });
  StockClient client(channel);
  int refused = 0;
  while (refused < 10 && absl::Now() < judged_until) {
    grpc::ClientContext context;
    const grpc::Status status = client.Call(context, kDo.path, "", nullptr);
    if (status.ok() || absl::Now() > judged_until) continue;
    ++refused;
    // By the server; elsewhere there is none.
    EXPECT_THAT(status.error_message(), HasSubstr("shutting down"));
  }
  EXPECT_GE(refused, kThreadSanitizer ? 0 : 1);  // under which half a second may be over before the first call
  open_.Happen();
  for (std::thread& caller : callers) caller.join();
  shutdown.join();
}

TEST_F(GrpcShutdownTest, SendsNewCallsElsewhereWhileOldOnesTakeLong) {
  StartServer();
  const auto channel = OurChannel();
  std::thread running([this, &channel] { ExpectEcho(*channel, "gate"); });
  EXPECT_TRUE(arrived_.Await());
  std::thread shutdown([this] { StopServer(absl::Now() + absl::Seconds(60)); });
  const absl::Time give_up = absl::Now() + absl::Seconds(20);
  absl::Status status;
  do {
    ClientContext context;
    context.set_timeout(absl::Seconds(1));
    status = Do(*channel, context, "");
  } while (!absl::StrContains(status.message(), "cannot connect") && absl::Now() < give_up);
  EXPECT_THAT(status.message(), HasSubstr("cannot connect"));
  open_.Happen();
  running.join();
  shutdown.join();
}

TEST_F(GrpcShutdownTest, CancelsWhatRunsAtItsDeadline) {
  StartServer();
  const auto channel = OurChannel();
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&channel] {
      const absl::Status status = Do(*channel, "cancelled");
      EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    });
  }
  EXPECT_TRUE(arrived_.Await(4));
  StopServer(absl::Now() + absl::Milliseconds(30));
  EXPECT_EQ(cancelled_.times(), 4);
  for (std::thread& caller : callers) caller.join();
}

TEST_F(GrpcShutdownTest, WaitsForAHandlerThatDoesNotLook) {
  StartServer();
  const auto channel = OurChannel();
  std::thread caller([&channel] { EXPECT_EQ(Do(*channel, "gate").code(), absl::StatusCode::kUnavailable); });
  EXPECT_TRUE(arrived_.Await());
  std::atomic<bool> done{false};
  std::thread shutdown([&] {
    StopServer(absl::InfinitePast());
    done = true;
  });
  caller.join();
  EXPECT_FALSE(done);
  open_.Happen();
  shutdown.join();
}

TEST_F(GrpcShutdownTest, RefusesCallsThatWaitForAThread) {
  StartServer({.max_handler_threads = 1});
  const auto channel = OurChannel();
  std::thread running([this, &channel] { ExpectEcho(*channel, "gate"); });
  EXPECT_TRUE(arrived_.Await());
  std::vector<std::thread> waiting;
  std::atomic<int> refused{0};
  for (int i = 0; i < 16; ++i) {
    waiting.emplace_back([&] {
      const absl::Status status = Do(*channel, "");
      EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
      // By us; or by gRPC, where the machine is so busy that this one is not read within the half second before GOAWAY.
      EXPECT_THAT(status.message(), HasSubstr("shutting down"));
      ++refused;
    });
  }
  // Once a call with a deadline has come and gone unserved, the server is known to have read the others too, or not yet
  // to have taken them: both kinds are to be refused.
  ClientContext context;
  context.set_timeout(absl::Milliseconds(50));
  EXPECT_EQ(Do(*channel, context, "").code(), absl::StatusCode::kDeadlineExceeded);
  std::thread shutdown([this] { StopServer(absl::InfiniteFuture()); });
  for (std::thread& caller : waiting) caller.join();
  EXPECT_EQ(refused, 16);
  EXPECT_EQ(arrived_.times(), 1);
  open_.Happen();
  running.join();
  shutdown.join();
}

TEST_F(GrpcShutdownTest, RefusesCallsWhoseRequestsNeverCame) {
  StartServer();
  const std::shared_ptr<grpc::Channel> channel = StockChannel();
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::GenericClientAsyncReaderWriter>> calls;
  void* tag;
  bool ok;
  for (int i = 0; i < 20; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    calls.push_back(stub.PrepareCall(contexts.back().get(), kDo.path, &queue));
    calls.back()->StartCall(nullptr);
    ASSERT_TRUE(queue.Next(&tag, &ok) && ok);
  }
  // What came after them has been answered, so they have begun.
  StockClient client(channel);
  grpc::ClientContext context;
  ASSERT_TRUE(client.Call(context, kDo.path, "", nullptr).ok());
  std::thread shutdown([this] { StopServer(absl::InfiniteFuture()); });
  for (const auto& call : calls) {
    grpc::Status status;
    call->Finish(&status, nullptr);
    ASSERT_TRUE(queue.Next(&tag, &ok));
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr("shutting down"));
  }
  shutdown.join();
  queue.Shutdown();
}

TEST_F(GrpcShutdownTest, AmidACrowdGivesEachCallOneStatus) {
  for (int round = 0; round < 10; ++round) {
    StartServer();
    const auto channel = OurChannel();
    std::atomic<bool> stop{false};
    std::vector<std::thread> callers;
    for (int i = 0; i < 6; ++i) {
      callers.emplace_back([&] {
        while (!stop) {
          const absl::Status status = Do(*channel, "x");
          EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kUnavailable) << status;
        }
      });
    }
    EXPECT_TRUE(arrived_.Await((round + 1) * 20));
    StopServer(round % 2 == 0 ? absl::InfiniteFuture() : absl::InfinitePast());
    stop = true;
    for (std::thread& caller : callers) caller.join();
  }
}

}  // namespace
}  // namespace udsrpc::testing

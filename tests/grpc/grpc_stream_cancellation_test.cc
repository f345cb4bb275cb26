// What ends a stream before its time: cancellation by either side, the deadline, the shutdown, the peer's death.

#include <fcntl.h>
#include <grpcpp/create_channel_posix.h>
#include <grpcpp/generic/generic_stub.h>
#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "tests/grpc/grpc_server_fixture.h"
#include "tests/support/event.h"

namespace udsrpc::testing {
namespace {

using ::testing::AnyOf;

class GrpcStreamCancellationTest : public GrpcServerFixture {
 protected:
  // Handlers say what they do, until their calls are cancelled.
  GrpcStreamCancellationTest() {
    service_.chat_script = [this](ServerContext& context, ScriptedService::ReaderWriter& stream) {
      Event cancelled;
      context.AddCancelCallback([this, &cancelled] {
        called_back_.Happen();
        cancelled.Happen();
      });
      arrived_.Happen();
      StringValue message;
      while (stream.Read(message)) stream.Write(message);
      EXPECT_TRUE(cancelled.Await());  // no test half-closes
      if (context.IsCancelled()) cancelled_.Happen();
      return absl::OkStatus();
    };
    service_.list_script = [this](ServerContext& context, const StringValue&, ScriptedService::Writer& writer) {
      context.AddCancelCallback([this] { called_back_.Happen(); });
      arrived_.Happen();
      while (writer.Write(Value(std::string(10'000, 'x')))) ++writes_;
      EXPECT_TRUE(called_back_.Await());
      if (context.IsCancelled()) cancelled_.Happen();
      return absl::OkStatus();
    };
    service_.collect_script = [this](ServerContext& context, ScriptedService::Reader&, StringValue&) {
      Event cancelled;
      context.AddCancelCallback([&cancelled] { cancelled.Happen(); });
      arrived_.Happen();
      EXPECT_TRUE(cancelled.Await());
      EXPECT_TRUE(context.IsCancelled());
      cancelled_.Happen();
      return absl::OkStatus();
    };
  }
  ~GrpcStreamCancellationTest() override { StopServer(); }

  // Blocks until writes have begun and then, for the time of many calls on another connection, none more has ended.
  // False: they went on for 20 s.
  bool AwaitBlockedWrite() {
    constexpr int kCalls = 50;
    const auto beside = OurChannel();
    const absl::Time give_up = absl::Now() + kPatience;
    int seen = 0;
    for (int calls = 0; calls < kCalls; ++calls) {
      ExpectEcho(*beside);
      const int writes = writes_;
      if (writes != seen || writes == 0) calls = 0;
      seen = writes;
      if (absl::Now() > give_up) return false;
    }
    return true;
  }

  Event arrived_;
  Event called_back_;
  Event cancelled_;
  std::atomic<int> writes_{0};  // by the list's handler, or by the test
};

TEST_F(GrpcStreamCancellationTest, ByTheClientEndsABlockedReadOnBothSides) {
  StartServer();
  const auto channel = OurChannel();
  ClientContext context;
  auto stream = Chat(*channel, context);
  std::thread canceller([&] {
    EXPECT_TRUE(arrived_.Await());
    context.Cancel();
  });
  StringValue message;
  EXPECT_FALSE(stream.Read(message));
  EXPECT_FALSE(stream.Write(Value("late")));
  EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kCancelled);
  canceller.join();
  EXPECT_TRUE(called_back_.Await());
  EXPECT_TRUE(cancelled_.Await());
}

TEST_F(GrpcStreamCancellationTest, ByTheClientEndsABlockedWriteOnBothSides) {
  StartServer();
  const auto channel = OurChannel();
  {
    ClientContext context;
    StringValue reply;
    auto writer = Collect(*channel, context, reply);
    std::thread canceller([&] {
      EXPECT_TRUE(arrived_.Await());
      EXPECT_TRUE(AwaitBlockedWrite());
      context.Cancel();
    });
    while (writer.Write(Value(std::string(10'000, 'x')))) ++writes_;
    EXPECT_EQ(writer.Finish().code(), absl::StatusCode::kCancelled);
    canceller.join();
    EXPECT_TRUE(cancelled_.Await());
  }
  writes_ = 0;
  ClientContext context;
  auto reader = List(*channel, context, "");
  EXPECT_TRUE(arrived_.Await(2));
  // Nobody reads.
  EXPECT_TRUE(AwaitBlockedWrite());
  EXPECT_EQ(cancelled_.times(), 1);
  context.Cancel();
  EXPECT_EQ(reader.Finish().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(cancelled_.Await(2));
}

TEST_F(GrpcStreamCancellationTest, ComesWithTheDestructionOfAnUnfinishedStream) {
  StartServer();
  const auto channel = OurChannel();
  {
    ClientContext context;
    auto stream = Chat(*channel, context);
    EXPECT_TRUE(arrived_.Await());
  }
  EXPECT_TRUE(cancelled_.Await());
  {
    ClientContext context;
    auto reader = List(*channel, context, "");
    StringValue message;
    EXPECT_TRUE(reader.Read(message));
  }
  EXPECT_TRUE(cancelled_.Await(2));
  {
    ClientContext context;
    StringValue reply;
    auto writer = Collect(*channel, context, reply);
    EXPECT_TRUE(writer.Write(Value("x")));
  }
  ExpectEcho(*channel);
}

TEST_F(GrpcStreamCancellationTest, MayComeAtAnyMoment) {
  service_.chat_script = [](ServerContext&, ScriptedService::ReaderWriter& stream) {
    StringValue message;
    while (stream.Read(message)) stream.Write(message);
    return absl::OkStatus();
  };
  StartServer();
  const auto channel = OurChannel();
  for (int i = 0; i < 200; ++i) {
    ClientContext context;
    std::atomic<bool> go{false};
    std::thread canceller([&] {
      while (!go) continue;
      for (int spin = 0; spin < i * 50; ++spin) go.load();
      context.Cancel();
    });
    go = true;
    auto stream = Chat(*channel, context);
    StringValue message;
    while (stream.Write(Value("x")) && stream.Read(message)) continue;
    EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kCancelled);
    canceller.join();
  }
  ExpectEcho(*channel);
}

TEST_F(GrpcStreamCancellationTest, ByTheDeadlineEndsBlockedReadsAndWritesOnBothSides) {
  StartServer();
  const auto channel = OurChannel();
  {
    ClientContext context;
    context.set_timeout(absl::Milliseconds(50));
    auto stream = Chat(*channel, context);
    StringValue message;
    EXPECT_FALSE(stream.Read(message));
    EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kDeadlineExceeded);
  }
  EXPECT_TRUE(cancelled_.Await());
  {
    ClientContext context;
    context.set_timeout(absl::Milliseconds(50));
    StringValue reply;
    auto writer = Collect(*channel, context, reply);
    while (writer.Write(Value(std::string(10'000, 'x')))) continue;
    EXPECT_EQ(writer.Finish().code(), absl::StatusCode::kDeadlineExceeded);
  }
  EXPECT_TRUE(cancelled_.Await(2));
  ClientContext past;
  past.set_timeout(absl::ZeroDuration());
  auto stream = Chat(*channel, past);
  EXPECT_FALSE(stream.Write(Value("x")));
  EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(arrived_.times(), 2);
}

TEST_F(GrpcStreamCancellationTest, ReachesTheCallsThatAHandlerMakes) {
  std::shared_ptr<Channel> channel = OurChannel();
  service_.collect_script = [&channel](ServerContext& context, ScriptedService::Reader&, StringValue&) {
    const std::unique_ptr<ClientContext> inner = ClientContext::FromServerContext(context);
    auto stream = Chat(*channel, *inner);
    StringValue message;
    stream.Read(message);
    return stream.Finish();
  };
  StartServer();
  ClientContext context;
  StringValue reply;
  auto writer = Collect(*channel, context, reply);
  EXPECT_TRUE(arrived_.Await());
  context.Cancel();
  EXPECT_EQ(writer.Finish().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(cancelled_.Await());
  StopServer();
}

TEST_F(GrpcStreamCancellationTest, ComesWithTheDeathOfTheClient) {
  StartServer();
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  Adopt(UniqueFd(ends[0]));
  const UniqueFd kill_switch(fcntl(ends[1], F_DUPFD_CLOEXEC, 0));
  grpc::GenericStub stub(grpc::CreateInsecureChannelFromFd("dies", ends[1]));
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  const auto call = stub.PrepareCall(&context, kChat.path, &queue);
  void* tag;
  bool ok;
  call->StartCall(nullptr);
  ASSERT_TRUE(queue.Next(&tag, &ok));
  EXPECT_TRUE(arrived_.Await());
  EXPECT_EQ(called_back_.times(), 0);
  shutdown(kill_switch.get(), SHUT_RDWR);
  EXPECT_TRUE(called_back_.Await());
  EXPECT_TRUE(cancelled_.Await());
  grpc::Status status;
  call->Finish(&status, nullptr);
  ASSERT_TRUE(queue.Next(&tag, &ok));
  EXPECT_FALSE(status.ok());
  queue.Shutdown();
  EXPECT_FALSE(queue.Next(&tag, &ok));
}

TEST_F(GrpcStreamCancellationTest, NeverCallsBackOnceTheHandlerHasReturned) {
  service_.chat_script = [this](ServerContext& context, ScriptedService::ReaderWriter&) {
    context.AddCancelCallback([this] { called_back_.Happen(); });
    return absl::OkStatus();
  };
  StartServer();
  const auto channel = OurChannel();
  for (int i = 0; i < 20; ++i) {
    ClientContext context;
    auto stream = Chat(*channel, context);
    EXPECT_TRUE(stream.Finish().ok());
    context.Cancel();
  }
  StopServer();
  EXPECT_EQ(called_back_.times(), 0);
}

TEST_F(GrpcStreamCancellationTest, IsWhatAShutdownDoesToStreamsAtItsDeadline) {
  StartServer();
  const auto channel = OurChannel();
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&channel] {
      ClientContext context;
      context.set_timeout(kPatience);
      auto stream = Chat(*channel, context);
      StringValue message;
      EXPECT_FALSE(stream.Read(message));
      EXPECT_THAT(stream.Finish().code(), AnyOf(absl::StatusCode::kUnavailable, absl::StatusCode::kCancelled));
    });
    clients.emplace_back([this, &channel] {
      ClientContext context;
      context.set_timeout(kPatience);
      auto reader = List(*channel, context, "");
      EXPECT_TRUE(cancelled_.Await(8));  // unread until then
      EXPECT_THAT(reader.Finish().code(), AnyOf(absl::StatusCode::kUnavailable, absl::StatusCode::kCancelled));
    });
  }
  EXPECT_TRUE(arrived_.Await(8));
  StopServer(absl::Now() + absl::Milliseconds(50));
  EXPECT_EQ(cancelled_.times(), 8);
  for (std::thread& client : clients) client.join();
}

TEST_F(GrpcStreamCancellationTest, IsNotWhatAShutdownDoesToStreamsThatEndInTime) {
  service_.chat_script = [this](ServerContext& context, ScriptedService::ReaderWriter& stream) {
    arrived_.Happen();
    StringValue message;
    while (stream.Read(message)) stream.Write(message);
    if (context.IsCancelled()) cancelled_.Happen();
    return absl::OkStatus();
  };
  StartServer();
  const auto channel = OurChannel();
  ClientContext context;
  context.set_timeout(kPatience);
  auto stream = Chat(*channel, context);
  EXPECT_TRUE(arrived_.Await());
  std::thread shutdown([this] { StopServer(absl::Now() + kPatience); });
  StringValue answer;
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(stream.Write(Value("x")));
    EXPECT_TRUE(stream.Read(answer));
  }
  EXPECT_TRUE(stream.WritesDone());
  EXPECT_TRUE(stream.Finish().ok());
  shutdown.join();
  EXPECT_EQ(cancelled_.times(), 0);
}

}  // namespace
}  // namespace udsrpc::testing

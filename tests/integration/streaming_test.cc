#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/integration/combinations.h"
#include "tests/support/event.h"
#include "udsrpc/channel.h"
#include "udsrpc/server.h"

namespace udsrpc::testing {
namespace {

EchoRequest Text(std::string text) {
  EchoRequest request;
  request.set_text(std::move(text));
  return request;
}

using Chat = ClientReaderWriter<EchoRequest, EchoReply>;

void ExpectAnswer(Chat& chat, const std::string& text) {
  EXPECT_TRUE(chat.Write(Text(text)));
  EchoReply reply;
  ASSERT_TRUE(chat.Read(reply));
  EXPECT_EQ(reply.text(), text);
}

class StreamingTest : public CombinationTest {
 protected:
  void SetUp() override {
    StartServer({.max_handler_threads = 1200});
    stub_ = std::make_unique<TestStub>(MakeChannel());
    context_.set_timeout(kPatience);
  }

  // A call whose handler has begun and reads nothing until the gate is opened.
  Chat OpenHeld(ClientContext& context, const std::string& gate = "gate", int arrivals = 1) {
    EXPECT_TRUE(context.AddMetadata("gate", gate).ok());
    Chat held = stub_->Hold(context);
    EchoReply reply;
    EXPECT_TRUE(held.Read(reply));
    EXPECT_TRUE(service_.AwaitArrivals(gate, arrivals));
    return held;
  }

  std::unique_ptr<TestStub> stub_;
  ClientContext context_;
};

// Writes at once as many messages as it is asked for, and goes on when the test lets it.
class BurstService final : public TestService {
 public:
  absl::Status Count(ServerContext&, const InflateRequest& request, ServerWriter<EchoReply>& writer) override {
    EchoReply reply;
    for (uint64_t i = 0; i < request.messages(); ++i) {
      reply.set_text(absl::StrCat(i));
      if (!writer.Write(reply)) return absl::AbortedError("a message was not wanted");
    }
    return go_on.Await(++calls_) ? absl::OkStatus() : absl::AbortedError("the test never let it go on");
  }

  Event go_on;

 private:
  std::atomic<int> calls_{0};
};

TEST_P(StreamingTest, WhatIsWrittenInCloseSuccessionComesWhileTheHandlerGoesOn) {
  BurstService bursts;
  const std::string target = absl::StrCat("unix-abstract:udsrpc.burst.", getpid());
  ServerBuilder builder;
  builder.AddEndpoint(target, AllTransports()).RegisterService(&bursts);
  absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  ASSERT_TRUE(server.ok()) << server.status();
  absl::StatusOr<std::shared_ptr<Channel>> channel = CreateChannel(target, {.transport = GetParam().transport});
  ASSERT_TRUE(channel.ok()) << channel.status();
  const TestStub stub(*channel);
  for (const int messages : {1, 2, 8, 9, 10, 1000}) {
    ClientContext context;
    context.set_timeout(kPatience);
    InflateRequest request;
    request.set_messages(messages);
    ClientReader<EchoReply> reader = stub.Count(context, request);
    EchoReply reply;
    for (int i = 0; i < messages; ++i) {
      ASSERT_TRUE(reader.Read(reply)) << "message " << i << " of " << messages;
      EXPECT_EQ(reply.text(), absl::StrCat(i));
    }
    bursts.go_on.Happen();
    EXPECT_FALSE(reader.Read(reply));
    EXPECT_TRUE(reader.Finish().ok());
  }
}

TEST_P(StreamingTest, ServerStreamsEndWithTheirStatus) {
  InflateRequest request;
  request.set_messages(1000);
  request.set_bytes(64);
  ClientReader<EchoReply> reader = stub_->Count(context_, request);
  EchoReply reply;
  int count = 0;
  for (; reader.Read(reply); ++count) ASSERT_EQ(reply.text().size(), 64U);
  EXPECT_EQ(count, 1000);
  EXPECT_FALSE(reader.Read(reply));
  EXPECT_EQ(reader.Finish(), absl::OkStatus());
}

TEST_P(StreamingTest, EmptyServerStreamsEndToo) {
  ClientReader<EchoReply> reader = stub_->Count(context_, InflateRequest());
  EchoReply reply;
  EXPECT_FALSE(reader.Read(reply));
  EXPECT_EQ(reader.Finish(), absl::OkStatus());
}

TEST_P(StreamingTest, ClientStreamsGetOneReply) {
  CollectReply reply;
  ClientWriter<EchoRequest, CollectReply> writer = stub_->Collect(context_, reply);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(writer.Write(Text(std::string(100, 'x'))));
  ASSERT_TRUE(writer.WriteLast(Text("y")));
  EXPECT_FALSE(writer.Write(Text("late")));
  EXPECT_EQ(writer.Finish(), absl::OkStatus());
  EXPECT_EQ(reply.messages(), 1001U);
  EXPECT_EQ(reply.bytes(), 100001U);
}

TEST_P(StreamingTest, EmptyClientStreamsGetOneReply) {
  CollectReply reply;
  ClientWriter<EchoRequest, CollectReply> writer = stub_->Collect(context_, reply);
  EXPECT_TRUE(writer.WritesDone());
  EXPECT_EQ(writer.Finish(), absl::OkStatus());
  EXPECT_EQ(reply.messages(), 0U);
}

TEST_P(StreamingTest, ChatsGoBackAndForth) {
  Chat chat = stub_->Chat(context_);
  for (int i = 0; i < 200; ++i) ExpectAnswer(chat, absl::StrCat("message ", i));
  EXPECT_TRUE(chat.WritesDone());
  EXPECT_TRUE(chat.WritesDone());
  EchoReply reply;
  EXPECT_FALSE(chat.Read(reply));
  EXPECT_EQ(chat.Finish(), absl::OkStatus());
}

TEST_P(StreamingTest, OneThreadReadsWhileAnotherWrites) {
  Chat chat = stub_->Chat(context_);
  constexpr int kMessages = 20000;
  std::thread writer([&chat] {
    for (int i = 0; i < kMessages; ++i) {
      if (!chat.Write(Text(std::to_string(i)))) return;
    }
    chat.WritesDone();
  });
  EchoReply reply;
  int count = 0;
  for (; chat.Read(reply); ++count) EXPECT_EQ(reply.text(), std::to_string(count));
  writer.join();
  EXPECT_EQ(count, kMessages);
  EXPECT_EQ(chat.Finish(), absl::OkStatus());
}

TEST_P(StreamingTest, TheServerMayEndAChatEarly) {
  Chat chat = stub_->Chat(context_);
  ExpectAnswer(chat, "a");
  EXPECT_TRUE(chat.Write(Text("abort")));
  EchoReply reply;
  EXPECT_FALSE(chat.Read(reply));
  const absl::Time give_up = absl::Now() + kPatience;
  while (chat.Write(Text("more")) && absl::Now() < give_up) {
  }
  EXPECT_LT(absl::Now(), give_up);
  EXPECT_EQ(chat.Finish(), absl::AbortedError("as asked"));
}

TEST_P(StreamingTest, WhatIsNotReadIsDroppedAtFinish) {
  InflateRequest request;
  request.set_messages(10000);
  request.set_bytes(1000);
  ClientReader<EchoReply> reader = stub_->Count(context_, request);
  EchoReply reply;
  EXPECT_TRUE(reader.Read(reply));
  EXPECT_EQ(reader.Finish(), absl::OkStatus());
}

TEST_P(StreamingTest, LongMessagesTravelBothWays) {
  Chat chat = stub_->Chat(context_);
  for (const size_t size : {size_t{65535}, size_t{65536}, size_t{200000}, size_t{3} << 20, size_t{1}}) {
    ASSERT_TRUE(chat.Write(Text(std::string(size, 'z'))));
    EchoReply reply;
    ASSERT_TRUE(chat.Read(reply));
    EXPECT_EQ(reply.text(), std::string(size, 'z'));
  }
  chat.WritesDone();
  EXPECT_EQ(chat.Finish(), absl::OkStatus());
}

TEST_P(StreamingTest, MessagesOverTheLimitEndTheirCallOnly) {
  {
    Chat chat = stub_->Chat(context_);
    chat.Write(Text(std::string((4 << 20) + 1, 'z')));
    EchoReply reply;
    EXPECT_FALSE(chat.Read(reply));
    EXPECT_EQ(chat.Finish().code(), absl::StatusCode::kResourceExhausted);
  }
  InflateRequest request;
  request.set_messages(1);
  request.set_bytes((4 << 20) + 1);
  ClientContext context;
  context.set_timeout(kPatience);
  ClientReader<EchoReply> reader = stub_->Count(context, request);
  EchoReply reply;
  EXPECT_FALSE(reader.Read(reply));
  EXPECT_EQ(reader.Finish().code(), absl::StatusCode::kResourceExhausted);
  ExpectEcho(*stub_, "next");
}

TEST_P(StreamingTest, CancelEndsABlockedReadAtOnceAndTellsTheHandler) {
  ClientContext context;
  Chat held = OpenHeld(context);
  std::thread canceller([&context] { context.Cancel(); });
  EchoReply reply;
  EXPECT_FALSE(held.Read(reply));
  canceller.join();
  EXPECT_EQ(held.Finish().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(service_.AwaitCancelled("gate", 1));
}

TEST_P(StreamingTest, AWriterWithoutAReaderBlocksUntilItIsCancelled) {
  ClientContext context;
  Chat held = OpenHeld(context);
  std::atomic<int> written{0};
  std::thread writer([&] {
    while (held.Write(Text(std::string(1000, 'x')))) ++written;
  });
  // It has come to its end once it writes no more while another stream's whole life goes by, some times over.
  const absl::Time give_up = absl::Now() + kPatience;
  for (int before = -1; (before != written || written == 0) && absl::Now() < give_up;) {
    before = written;
    for (int i = 0; i < 20; ++i) ExpectEcho(*stub_, "beside it");
  }
  EXPECT_GT(written, 10);
  EXPECT_LT(written, 10000);
  context.Cancel();
  writer.join();
  EXPECT_EQ(held.Finish().code(), absl::StatusCode::kCancelled);
}

TEST_P(StreamingTest, AServerThatWritesToNobodyBlocksAndHearsOfTheEnd) {
  InflateRequest request;
  request.set_messages(1 << 30);
  request.set_bytes(1000);
  {
    ClientContext context;
    ClientReader<EchoReply> reader = stub_->Count(context, request);
    EchoReply reply;
    EXPECT_TRUE(reader.Read(reply));
    ExpectEcho(*stub_, "beside it");
  }  // destroyed: cancelled
  ExpectEcho(*stub_, "after it");
}  // the server's end waits for its handlers

TEST_P(StreamingTest, EndsAtItsDeadlineOnBothSides) {
  ClientContext context;
  context.set_timeout(absl::Milliseconds(400));
  Chat held = OpenHeld(context);
  EchoReply reply;
  EXPECT_FALSE(held.Read(reply));
  EXPECT_EQ(held.Finish().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(service_.AwaitCancelled("gate", 1));
}

TEST_P(StreamingTest, IsLostWithItsServer) {
  ClientContext context;
  Chat held = OpenHeld(context);
  server_.reset();
  EchoReply reply;
  EXPECT_FALSE(held.Read(reply));
  const absl::StatusCode code = held.Finish().code();
  EXPECT_TRUE(code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kCancelled) << code;
}

TEST_P(StreamingTest, RunsToItsEndWhileTheServerDrains) {
  Chat chat = stub_->Chat(context_);
  ExpectAnswer(chat, "before");
  std::thread shutdown([this] { server_->Shutdown(absl::Now() + kPatience); });
  while (TryEcho(*stub_).ok()) {
  }
  for (int i = 0; i < 100; ++i) ExpectAnswer(chat, "during");
  EXPECT_TRUE(chat.WritesDone());
  EXPECT_EQ(chat.Finish(), absl::OkStatus());
  shutdown.join();
}

TEST_P(StreamingTest, AThousandRunAtOnceOnOneConnection) {
  constexpr int kStreams = 1000;
  std::vector<ClientContext> contexts(kStreams);
  std::vector<Chat> chats;
  for (ClientContext& context : contexts) {
    context.set_timeout(absl::Seconds(60));
    chats.push_back(stub_->Chat(context));
  }
  for (int round = 0; round < 3; ++round) {
    for (Chat& chat : chats) ASSERT_TRUE(chat.Write(Text(std::to_string(round))));
    for (Chat& chat : chats) {
      EchoReply reply;
      ASSERT_TRUE(chat.Read(reply));
      EXPECT_EQ(reply.text(), std::to_string(round));
    }
  }
  for (Chat& chat : chats) EXPECT_TRUE(chat.WritesDone());
  for (Chat& chat : chats) EXPECT_EQ(chat.Finish(), absl::OkStatus());
}

INSTANTIATE_TEST_SUITE_P(All, StreamingTest, AllCombinations(), CombinationName);

}  // namespace
}  // namespace udsrpc::testing

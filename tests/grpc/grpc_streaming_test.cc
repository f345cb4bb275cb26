// Streaming calls from our client transport to our server transport, where all goes well, and what ends them early.

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/struct.pb.h"
#include "tests/grpc/grpc_server_fixture.h"

namespace udsrpc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

// A context with a deadline that no test comes to.
struct BoundedContext : ClientContext {
  BoundedContext() { set_timeout(absl::Seconds(20)); }
};

class GrpcStreamingTest : public GrpcServerFixture {
 protected:
  // The answer to what is written one by one.
  static void ExpectPingPong(Channel& channel, int messages, size_t size = 64) {
    BoundedContext context;
    auto stream = Chat(channel, context);
    StringValue answer;
    for (int i = 0; i < messages; ++i) {
      const StringValue sent = Value(absl::StrCat(i, std::string(size, 'x')));
      ASSERT_TRUE(stream.Write(sent));
      ASSERT_TRUE(stream.Read(answer));
      ASSERT_EQ(answer.value(), sent.value());
    }
    EXPECT_TRUE(stream.WritesDone());
    EXPECT_FALSE(stream.Read(answer));
    EXPECT_TRUE(stream.Finish().ok());
  }
};

TEST_F(GrpcStreamingTest, OfEachKindBringsEveryMessageInOrder) {
  StartServer();
  const auto channel = OurChannel();
  for (const std::string& text : {std::string(), std::string("a"), std::string("abcdefgh")}) {
    BoundedContext context;
    auto reader = List(*channel, context, text);
    std::string got;
    for (StringValue message; reader.Read(message);) got += message.value();
    EXPECT_EQ(got, text);
    EXPECT_TRUE(reader.Finish().ok());
  }
  for (int count : {0, 1, 100}) {
    BoundedContext context;
    StringValue reply;
    auto writer = Collect(*channel, context, reply);
    std::string sent;
    for (int i = 0; i < count; ++i) {
      sent += absl::StrCat(i, ";");
      EXPECT_TRUE(writer.Write(Value(absl::StrCat(i, ";"))));
    }
    const absl::Status status = writer.Finish();
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(reply.value(), sent);
  }
  for (size_t size : {0, 64, 70'000, 3'000'000}) ExpectPingPong(*channel, 5, size);
}

TEST_F(GrpcStreamingTest, HundredAtATimeOverOneChannel) {
  StartServer();
  const auto channel = OurChannel();
  std::vector<std::thread> threads;
  for (int i = 0; i < 100; ++i) threads.emplace_back([&channel] { ExpectPingPong(*channel, 20); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(accepted_.times(), 1);
}

TEST_F(GrpcStreamingTest, ThatWaitDoNotHoldUpUnaryCallsNorEachOther) {
  StartServer();
  const auto channel = OurChannel();
  BoundedContext first_context;
  auto first = Chat(*channel, first_context);
  BoundedContext second_context;
  auto second = Chat(*channel, second_context);
  StringValue answer;
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(first.Write(Value("1")));
    ASSERT_TRUE(first.Read(answer));
    ExpectEcho(*channel);
    ASSERT_TRUE(second.Write(Value("2")));
    ASSERT_TRUE(second.Read(answer));
    EXPECT_EQ(answer.value(), "2");
  }
  first.WritesDone();
  second.WritesDone();
  EXPECT_TRUE(first.Finish().ok());
  EXPECT_TRUE(second.Finish().ok());
}

TEST_F(GrpcStreamingTest, MayBeReadAndWrittenByTwoThreadsOnBothSides) {
  constexpr int kMessages = 3000;
  service_.chat_script = [](ServerContext&, ScriptedService::ReaderWriter& stream) {
    int read = 0;
    std::thread reader([&] {
      for (StringValue message; stream.Read(message);) ++read;
    });
    for (int i = 0; i < kMessages; ++i) EXPECT_TRUE(stream.Write(Value(absl::StrCat(i))));
    reader.join();
    return read == kMessages ? absl::OkStatus() : absl::DataLossError(absl::StrCat(read));
  };
  StartServer();
  const auto channel = OurChannel();
  BoundedContext context;
  auto stream = Chat(*channel, context);
  std::thread writer([&stream] {
    for (int i = 0; i < kMessages; ++i) EXPECT_TRUE(stream.Write(Value(std::string(100, 'x'))));
    EXPECT_TRUE(stream.WritesDone());
  });
  StringValue message;
  for (int i = 0; i < kMessages; ++i) {
    ASSERT_TRUE(stream.Read(message));
    ASSERT_EQ(message.value(), absl::StrCat(i));
  }
  EXPECT_FALSE(stream.Read(message));
  writer.join();
  const absl::Status status = stream.Finish();
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(GrpcStreamingTest, MovesBetweenThreads) {
  StartServer();
  const auto channel = OurChannel();
  BoundedContext context;
  auto stream = Chat(*channel, context);
  for (int i = 0; i < 20; ++i) {
    std::thread([&stream] {
      StringValue answer;
      EXPECT_TRUE(stream.Write(Value("x")));
      EXPECT_TRUE(stream.Read(answer));
    }).join();
  }
  stream.WritesDone();
  EXPECT_TRUE(stream.Finish().ok());
}

TEST_F(GrpcStreamingTest, HalfCloseEndsReadsAndNoWriteComesAfterIt) {
  StartServer();
  const auto channel = OurChannel();
  BoundedContext context;
  auto stream = Chat(*channel, context);
  EXPECT_TRUE(stream.WriteLast(Value("last")));
  EXPECT_FALSE(stream.Write(Value("beyond")));
  EXPECT_TRUE(stream.WritesDone());
  EXPECT_TRUE(stream.WritesDone());
  StringValue answer;
  EXPECT_TRUE(stream.Read(answer));
  EXPECT_EQ(answer.value(), "last");
  EXPECT_FALSE(stream.Read(answer));
  EXPECT_FALSE(stream.Read(answer));
  EXPECT_TRUE(stream.Finish().ok());
}

TEST_F(GrpcStreamingTest, CarriesMetadataBothWays) {
  Event looked;
  service_.chat_script = [&looked](ServerContext& context, ScriptedService::ReaderWriter& stream) {
    EXPECT_THAT(context.client_metadata(), ElementsAre(Pair("k", "v")));
    EXPECT_TRUE(context.AddInitialMetadata("i", "1").ok());
    stream.SendInitialMetadata();
    stream.SendInitialMetadata();
    EXPECT_TRUE(context.AddInitialMetadata("late", "1").ok());
    EXPECT_TRUE(context.AddTrailingMetadata("t", "2").ok());
    // The client has seen the one before there was any message.
    EXPECT_TRUE(looked.Await());
    stream.Write(Value("x"));
    return absl::NotFoundError("with metadata");
  };
  service_.list_script = [](ServerContext& context, const StringValue&, ScriptedService::Writer& writer) {
    EXPECT_TRUE(context.AddInitialMetadata("i", "first write").ok());
    writer.Write(Value("x"));
    EXPECT_TRUE(context.AddInitialMetadata("late", "1").ok());
    return absl::OkStatus();
  };
  StartServer();
  const auto channel = OurChannel();
  {
    BoundedContext context;
    ASSERT_TRUE(context.AddMetadata("k", "v").ok());
    auto stream = Chat(*channel, context);
    stream.WaitForInitialMetadata();
    stream.WaitForInitialMetadata();
    EXPECT_THAT(context.server_initial_metadata(), ElementsAre(Pair("i", "1")));
    looked.Happen();
    StringValue message;
    EXPECT_TRUE(stream.Read(message));
    EXPECT_FALSE(stream.Read(message));
    EXPECT_EQ(stream.Finish(), absl::NotFoundError("with metadata"));
    EXPECT_THAT(context.server_initial_metadata(), ElementsAre(Pair("i", "1")));
    EXPECT_THAT(context.server_trailing_metadata(), ElementsAre(Pair("t", "2")));
  }
  BoundedContext context;
  auto reader = List(*channel, context, "");
  StringValue message;
  EXPECT_TRUE(reader.Read(message));
  EXPECT_THAT(context.server_initial_metadata(), ElementsAre(Pair("i", "first write")));
  EXPECT_TRUE(reader.Finish().ok());
}

TEST_F(GrpcStreamingTest, OfAServerThatFinishesEarlyFailsWritesAndTellsWhy) {
  service_.chat_script = [](ServerContext&, ScriptedService::ReaderWriter&) { return absl::AbortedError("enough"); };
  service_.collect_script = [](ServerContext&, ScriptedService::Reader& reader, StringValue&) {
    StringValue one;
    reader.Read(one);
    return absl::AbortedError("enough");
  };
  StartServer();
  const auto channel = OurChannel();
  BoundedContext context;
  auto stream = Chat(*channel, context);
  StringValue message;
  EXPECT_FALSE(stream.Read(message));
  EXPECT_FALSE(stream.Write(Value("late")));
  EXPECT_FALSE(stream.WritesDone());
  EXPECT_EQ(stream.Finish(), absl::AbortedError("enough"));

  BoundedContext collect_context;
  StringValue reply;
  auto writer = Collect(*channel, collect_context, reply);
  // More than the server's flow control lets through unread: this ends because the call has.
  while (writer.Write(Value(std::string(10'000, 'x')))) continue;
  EXPECT_EQ(writer.Finish(), absl::AbortedError("enough"));
}

TEST_F(GrpcStreamingTest, FinishDropsWhatWasNotRead) {
  service_.list_script = [](ServerContext&, const StringValue&, ScriptedService::Writer& writer) {
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(writer.Write(Value(std::string(1000, 'x'))));
    return absl::DataLossError("the end");
  };
  StartServer();
  const auto channel = OurChannel();
  BoundedContext context;
  auto reader = List(*channel, context, "");
  StringValue message;
  EXPECT_TRUE(reader.Read(message));
  EXPECT_EQ(reader.Finish(), absl::DataLossError("the end"));
}

TEST_F(GrpcStreamingTest, WithMessagesThatDoNotParseIsInternal) {
  Event cancelled;
  service_.chat_script = [](ServerContext&, ScriptedService::ReaderWriter& stream) {
    StringValue message;
    EXPECT_FALSE(stream.Read(message));
    EXPECT_FALSE(stream.Read(message));
    return absl::OkStatus();
  };
  service_.list_script = [&cancelled](ServerContext& context, const StringValue&, ScriptedService::Writer& writer) {
    context.AddCancelCallback([&cancelled] { cancelled.Happen(); });
    while (writer.Write(Value("no list"))) continue;
    return cancelled.Await() ? absl::OkStatus() : absl::AbortedError("never cancelled");
  };
  StartServer();
  const auto channel = OurChannel();
  BoundedContext context;
  const std::unique_ptr<ClientStream> chat = channel->StreamingCall(kChat, context, nullptr);
  google::protobuf::BytesValue no_text;
  no_text.set_value("\xff");
  EXPECT_TRUE(chat->Write(no_text, /*last=*/false));
  StringValue message;
  EXPECT_FALSE(chat->Read(message));
  const absl::Status status = chat->Finish();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("google.protobuf.StringValue"));

  BoundedContext list_context;
  const StringValue request;
  const std::unique_ptr<ClientStream> list = channel->StreamingCall(kList, list_context, &request);
  google::protobuf::ListValue other;
  EXPECT_FALSE(list->Read(other));
  const absl::Status list_status = list->Finish();
  EXPECT_EQ(list_status.code(), absl::StatusCode::kInternal) << list_status;
  EXPECT_THAT(std::string(list_status.message()), HasSubstr("google.protobuf.ListValue"));
  EXPECT_TRUE(cancelled.Await());
  StopServer();
}

TEST_F(GrpcStreamingTest, OverALimitIsResourceExhaustedAndTheConnectionGoesOn) {
  service_.list_script = [](ServerContext& context, const StringValue& request, ScriptedService::Writer& writer) {
    if (request.value() == "metadata") {
      EXPECT_TRUE(context.AddInitialMetadata("i", std::string(9000, 'i')).ok());
      writer.Write(Value("x"));
    } else {
      writer.Write(Value("fits"));
      writer.Write(Value(std::string(3000, 'r')));
    }
    return absl::OkStatus();
  };
  StartServer({.max_receive_message_bytes = 1000});
  const auto channel = OurChannel({.max_receive_message_bytes = 2000, .max_metadata_bytes = 4000});
  for (const std::string what : {"metadata", "message"}) {
    BoundedContext context;
    auto reader = List(*channel, context, what);
    StringValue message;
    EXPECT_EQ(reader.Read(message), what == "message");
    EXPECT_FALSE(reader.Read(message));
    EXPECT_EQ(reader.Finish().code(), absl::StatusCode::kResourceExhausted);
  }
  BoundedContext context;
  StringValue reply;
  auto writer = Collect(*channel, context, reply);
  EXPECT_TRUE(writer.Write(Value("fits")));
  writer.Write(Value(std::string(1001, 'x')));
  EXPECT_EQ(writer.Finish().code(), absl::StatusCode::kResourceExhausted);
  ExpectPingPong(*channel, 3);
  EXPECT_EQ(accepted_.times(), 1);
}

TEST_F(GrpcStreamingTest, ThatCannotConnectIsUnavailableAndTheNextOneConnects) {
  const auto channel = OurChannel();
  {
    BoundedContext context;
    auto stream = Chat(*channel, context);
    StringValue message;
    EXPECT_FALSE(stream.Write(Value("x")));
    EXPECT_FALSE(stream.Read(message));
    stream.WaitForInitialMetadata();
    const absl::Status status = stream.Finish();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(status.message()), HasSubstr("cannot connect"));
  }
  StartServer();
  ExpectPingPong(*channel, 3);
}

TEST_F(GrpcStreamingTest, OfAMethodThatIsNotThereIsUnimplemented) {
  StartServer();
  const auto channel = OurChannel();
  BoundedContext context;
  auto stream = channel->StreamingCall({"/test.Scripted/Nope", MethodKind::kBidiStreaming}, context, nullptr);
  StringValue message;
  EXPECT_FALSE(stream->Read(message));
  EXPECT_EQ(stream->Finish().code(), absl::StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace udsrpc::testing

// What a unary call does, the same in all four combinations.

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "google/protobuf/wrappers.pb.h"
#include "tests/integration/combinations.h"

namespace udsrpc::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::Pair;

using UnaryTest = CombinationTest;
INSTANTIATE_TEST_SUITE_P(All, UnaryTest, AllCombinations(), CombinationName);

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST_P(UnaryTest, IsAnswered) {
  StartServer();
  const TestStub stub(MakeChannel());
  ExpectEcho(stub, "");
  ExpectEcho(stub, "hello");
  ExpectEcho(stub, std::string(60000, 'x'));
}

TEST_P(UnaryTest, WithLongMessagesIsAnswered) {
  StartServer();
  const TestStub stub(MakeChannel());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&stub] {
      for (const size_t size : {size_t{65536}, size_t{300000}, size_t{4000000}})
        ExpectEcho(stub, std::string(size, 'x'));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(UnaryTest, FromManyThreadsOnOneChannel) {
  StartServer();
  const TestStub stub(MakeChannel());
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&stub, t] {
      for (int i = 0; i < 200; ++i) ExpectEcho(stub, absl::StrCat(t, " ", i));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(service_.echoes(), 1600);
}

TEST_P(UnaryTest, BringsCodeMessageAndDetailsOfAFailure) {
  StartServer();
  const TestStub stub(MakeChannel());
  for (int code = 1; code <= 16; ++code) {
    ClientContext context;
    FailRequest request;
    EchoReply reply;
    request.set_code(code);
    request.set_message("\t% wörds \n");
    auto& payload = *request.add_payloads();
    payload.set_key("type.googleapis.com/x.Y");
    payload.set_value(std::string("\0\xff", 2));
    absl::Status expected(static_cast<absl::StatusCode>(code), request.message());
    expected.SetPayload("type.googleapis.com/x.Y", absl::Cord(std::string("\0\xff", 2)));
    EXPECT_EQ(stub.Fail(context, request, reply), expected);
  }
}

TEST_P(UnaryTest, CarriesMetadataBothWays) {
  StartServer();
  const TestStub stub(MakeChannel());
  ClientContext context;
  const std::string binary("\0\x01\xff", 3);
  ASSERT_TRUE(context.AddMetadata("repeated", "2").ok());
  ASSERT_TRUE(context.AddMetadata("Some-Bin", binary).ok());
  ASSERT_TRUE(context.AddMetadata("repeated", "1").ok());
  LookRequest request;
  LookReply reply;
  for (const auto& [key, value] :
       {std::pair<std::string, std::string>("first", "a"), {"first", "b"}, {"first-bin", binary}}) {
    auto& pair = *request.add_initial_metadata();
    pair.set_key(key);
    pair.set_value(value);
  }
  auto& last = *request.add_trailing_metadata();
  last.set_key("last");
  last.set_value("z");
  const absl::Status status = stub.Look(context, request, reply);
  ASSERT_TRUE(status.ok()) << status;

  EXPECT_EQ(reply.method(), "/udsrpc.testing.Test/Look");
  std::vector<std::pair<std::string, std::string>> seen;
  for (const auto& pair : reply.metadata()) seen.emplace_back(pair.key(), pair.value());
  // gRPC keeps the order of a key's values, not that of different keys.
  std::stable_sort(seen.begin(), seen.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  EXPECT_THAT(seen, ElementsAre(Pair("repeated", "2"), Pair("repeated", "1"), Pair("some-bin", binary)));
  std::vector<Metadata::Entry> initial(context.server_initial_metadata().begin(),
                                       context.server_initial_metadata().end());
  std::stable_sort(initial.begin(), initial.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  EXPECT_THAT(initial, ElementsAre(Pair("first", "a"), Pair("first", "b"), Pair("first-bin", binary)));
  EXPECT_THAT(context.server_trailing_metadata(), ElementsAre(Pair("last", "z")));
}

TEST_P(UnaryTest, TellsTheHandlerItsDeadline) {
  StartServer();
  const TestStub stub(MakeChannel());
  LookReply reply;
  ClientContext without;
  ASSERT_TRUE(stub.Look(without, LookRequest(), reply).ok());
  EXPECT_EQ(reply.remaining_us(), -1);
  ClientContext with;
  with.set_timeout(absl::Seconds(100));
  ASSERT_TRUE(stub.Look(with, LookRequest(), reply).ok());
  EXPECT_THAT(reply.remaining_us(), AllOf(Ge(90'000'000), Le(101'000'000)));
}

TEST_P(UnaryTest, EndsAtItsDeadlineAndTheHandlerHearsOfIt) {
  StartServer();
  const TestStub stub(MakeChannel());
  ClientContext context;
  // Long enough for the handler to begin, on a busy machine too.
  constexpr absl::Duration kTimeout = absl::Milliseconds(500);
  context.set_timeout(kTimeout);
  BlockRequest request;
  EchoReply reply;
  request.set_gate("closed");
  const absl::Time start = absl::Now();
  const absl::Status status = stub.Block(context, request, reply);
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  EXPECT_GE(absl::Now() - start, kTimeout);
  EXPECT_LT(absl::Now() - start, absl::Seconds(10));
  EXPECT_TRUE(service_.AwaitCancelled("closed", 1));
  ExpectEcho(stub, "still well");
}

TEST_P(UnaryTest, WithAPastDeadlineReachesNoHandler) {
  StartServer();
  const TestStub stub(MakeChannel());
  for (const absl::Duration timeout : {absl::ZeroDuration(), absl::Seconds(-1), -absl::InfiniteDuration()}) {
    ClientContext context;
    context.set_timeout(timeout);
    EchoReply reply;
    EXPECT_EQ(stub.Echo(context, EchoRequest(), reply).code(), absl::StatusCode::kDeadlineExceeded);
  }
  EXPECT_EQ(service_.echoes(), 0);
}

TEST_P(UnaryTest, EndsWhenAnotherThreadCancelsItAndTheHandlerHearsOfIt) {
  StartServer();
  const TestStub stub(MakeChannel());
  ClientContext context;
  std::thread canceller([this, &context] {
    EXPECT_TRUE(service_.AwaitArrivals("closed", 1));
    context.TryCancel();
  });
  BlockRequest request;
  EchoReply reply;
  request.set_gate("closed");
  EXPECT_EQ(stub.Block(context, request, reply).code(), absl::StatusCode::kCancelled);
  canceller.join();
  EXPECT_TRUE(service_.AwaitCancelled("closed", 1));
  ExpectEcho(stub, "still well");
}

TEST_P(UnaryTest, CancelledBeforehandReachesNoHandler) {
  StartServer();
  const TestStub stub(MakeChannel());
  ClientContext context;
  context.Cancel();
  EchoReply reply;
  EXPECT_EQ(stub.Echo(context, EchoRequest(), reply).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(service_.echoes(), 0);
}

TEST_P(UnaryTest, NeedsAContextOfItsOwn) {
  StartServer();
  const TestStub stub(MakeChannel());
  ClientContext context;
  EchoReply reply;
  EXPECT_TRUE(stub.Echo(context, EchoRequest(), reply).ok());
  EXPECT_EQ(stub.Echo(context, EchoRequest(), reply).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_P(UnaryTest, IsNotHeldUpBySlowOnes) {
  StartServer();
  const std::shared_ptr<Channel> channel = MakeChannel();
  const TestStub stub(channel);
  std::vector<std::thread> blocked;
  for (int i = 0; i < 20; ++i) {
    blocked.emplace_back([&stub] {
      ClientContext context;
      BlockRequest request;
      EchoReply reply;
      request.set_gate("slow");
      EXPECT_TRUE(stub.Block(context, request, reply).ok());
    });
  }
  EXPECT_TRUE(service_.AwaitArrivals("slow", 20));
  ExpectEcho(stub, "on the same connection");
  ExpectEcho(TestStub(MakeChannel()), "on another connection");
  service_.Open("slow");
  for (std::thread& thread : blocked) thread.join();
}

TEST_P(UnaryTest, WaitsWhenAllHandlerThreadsAreBusy) {
  StartServer(ServerOptions{.max_handler_threads = 2});
  const TestStub stub(MakeChannel());
  std::atomic<int> answered{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 6; ++i) {
    callers.emplace_back([&] {
      ClientContext context;
      BlockRequest request;
      EchoReply reply;
      request.set_gate("busy");
      EXPECT_TRUE(stub.Block(context, request, reply).ok());
      ++answered;
    });
  }
  EXPECT_TRUE(service_.AwaitArrivals("busy", 2));
  EXPECT_EQ(answered, 0);
  service_.Open("busy");
  for (std::thread& thread : callers) thread.join();
  EXPECT_EQ(answered, 6);
}

TEST_P(UnaryTest, OfAHandlerThatThrowsIsUnknown) {
  StartServer();
  const TestStub stub(MakeChannel());
  ClientContext context;
  EchoRequest request;
  EchoReply reply;
  request.set_text("boom");
  const absl::Status status = stub.Throw(context, request, reply);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnknown);
  EXPECT_THAT(Message(status), AllOf(HasSubstr("Throw"), HasSubstr("boom")));
  ExpectEcho(stub, "still well");
}

TEST_P(UnaryTest, ToAnUnknownServiceOrMethodIsUnimplemented) {
  StartServer();
  const std::shared_ptr<Channel> channel = MakeChannel();
  for (int i = 0; i < 2; ++i) {
    ClientContext context;
    EchoReply reply;
    const absl::Status status = ImpostorStub(channel).Echo(context, EchoRequest(), reply);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
    EXPECT_THAT(Message(status), AllOf(HasSubstr("/udsrpc.testing.Impostor/Echo"), HasSubstr("right endpoint")));

    ClientContext other;
    const absl::Status no_method =
        channel->UnaryCall({"/udsrpc.testing.Test/Nope", MethodKind::kUnary}, other, EchoRequest(), reply);
    EXPECT_EQ(no_method.code(), absl::StatusCode::kUnimplemented);
    EXPECT_THAT(Message(no_method), HasSubstr("no such method"));
  }
  ExpectEcho(TestStub(channel), "still well");
}

TEST_P(UnaryTest, ToAStreamThatEndsWithoutAMessageIsUnimplemented) {
  StartServer();
  ClientContext context;
  EchoReply reply;
  EXPECT_EQ(MakeChannel()
                ->UnaryCall({"/udsrpc.testing.Test/Count", MethodKind::kUnary}, context, InflateRequest(), reply)
                .code(),
            absl::StatusCode::kUnimplemented);
}

TEST_P(UnaryTest, WithARequestThatDoesNotParseIsInternal) {
  StartServer();
  const std::shared_ptr<Channel> channel = MakeChannel();
  // Field 1 of both is length-delimited; as text these bytes are no UTF-8, which proto3 does not parse.
  google::protobuf::BytesValue request;
  request.set_value("\xff");
  ClientContext context;
  EchoReply reply;
  const absl::Status status =
      channel->UnaryCall({"/udsrpc.testing.Test/Echo", MethodKind::kUnary}, context, request, reply);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
  EXPECT_THAT(Message(status), HasSubstr("same .proto"));
  EXPECT_EQ(service_.echoes(), 0);
  ExpectEcho(TestStub(channel), "still well");
}

TEST_P(UnaryTest, OverTheServersMessageLimitIsResourceExhausted) {
  StartServer(ServerOptions{.max_receive_message_bytes = 1000});
  const TestStub stub(MakeChannel());
  ClientContext context;
  EchoRequest request;
  EchoReply reply;
  request.set_text(std::string(1001, 'x'));
  EXPECT_EQ(stub.Echo(context, request, reply).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(service_.echoes(), 0);
  ExpectEcho(stub, "still well");
}

TEST_P(UnaryTest, OverTheClientsMessageLimitIsResourceExhausted) {
  StartServer();
  const TestStub stub(MakeChannel(ChannelOptions{.max_receive_message_bytes = 1000}));
  ClientContext context;
  InflateRequest request;
  EchoReply reply;
  request.set_bytes(1001);
  EXPECT_EQ(stub.Inflate(context, request, reply).code(), absl::StatusCode::kResourceExhausted);
  ExpectEcho(stub, "still well");
}

TEST_P(UnaryTest, WithTooMuchMetadataIsResourceExhausted) {
  StartServer();
  const TestStub stub(MakeChannel());
  ClientContext context;
  EchoReply reply;
  ASSERT_TRUE(context.AddMetadata("k", std::string(20000, 'v')).ok());
  EXPECT_EQ(stub.Echo(context, EchoRequest(), reply).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(service_.echoes(), 0);

  ClientContext other;
  LookRequest request;
  LookReply looked;
  auto& pair = *request.add_trailing_metadata();
  pair.set_key("k");
  pair.set_value(std::string(20000, 'v'));
  EXPECT_EQ(stub.Look(other, request, looked).code(), absl::StatusCode::kResourceExhausted);
  ExpectEcho(stub, "still well");
}

}  // namespace
}  // namespace udsrpc::testing
